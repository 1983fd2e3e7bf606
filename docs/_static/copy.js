// A button on each block of code that copies what a reader would type: of a session, the lines
// behind its prompts, without the answers.

const PROMPTS = [/^(>>>|\.\.\.)( |$)/, /^\$ /];

function typed(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  const prompt = PROMPTS.find((one) => one.test(lines[0]));
  if (!prompt) return text;
  const kept = lines.filter((line) => prompt.test(line)).map((line) => line.replace(prompt, ""));
  return kept.join("\n") + "\n";
}

function addButton(block) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy this code");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(typed(block.querySelector("pre").textContent));
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}

document.addEventListener("DOMContentLoaded", () => {
  // Browsers give pages the clipboard only where they come from a file or over https.
  if (!navigator.clipboard) return;
  document.querySelectorAll("article div.highlight").forEach(addButton);
});

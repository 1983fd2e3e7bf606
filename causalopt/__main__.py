"""The command line, with all of its commands; ``python -m causalopt`` where none is on the path."""

from causalopt.explorer.terminal import explore
from causalopt.study.terminal import main

main.add_command(explore)

if __name__ == "__main__":
    main(prog_name="causalopt")

"""Who steers what, and where the border is: found without naming A, n and m by hand."""

"""The command line as ``python -m causalopt``, where no ``causalopt`` is on the path."""

from causalopt.study.terminal import main

main(prog_name="causalopt")

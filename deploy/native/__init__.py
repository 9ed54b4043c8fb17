"""The whole stack on one machine without Docker; `setup.sh` starts here. Standard library only."""

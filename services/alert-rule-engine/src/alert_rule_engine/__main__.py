"""`python -m alert_rule_engine evaluate|aggregate`: load settings, run the role."""

import argparse
import sys

from alert_rule_engine.app import Role, main
from alert_rule_engine.settings import Settings
from service_runtime.settings import load

parser = argparse.ArgumentParser(prog="alert-rule-engine")
parser.add_argument("role", type=Role, choices=list(Role), metavar="evaluate|aggregate")

if __name__ == "__main__":
    sys.exit(main(parser.parse_args().role, load(Settings)))

"""What the black-box tests need to talk to a running stack. It knows no service's code."""

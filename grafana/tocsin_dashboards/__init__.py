"""The dashboards of Tocsin, written with Grafana's own SDK; `python -m tocsin_dashboards`."""

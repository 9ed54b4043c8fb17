"""`python -m tocsin_dashboards`: write grafana/dashboards/*.json."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tocsin_dashboards import on_call, pipeline
from tocsin_dashboards.board import Board

BOARDS = (on_call.BOARD, pipeline.BOARD)
DIRECTORY = Path(__file__).parents[1] / "dashboards"


def render(board: Board) -> str:
    """Return the JSON that Grafana reads."""
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build().build()) + "\n"


def main() -> None:
    for board in BOARDS:
        (DIRECTORY / f"{board.uid}.json").write_text(render(board), encoding="utf-8")


if __name__ == "__main__":
    main()

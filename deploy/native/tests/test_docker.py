"""What the Compose way reads from the project's files."""

from native.docker import base_images, lasting


def test_base_images_are_those_that_no_stage_makes() -> None:
    dockerfile = (
        "ARG PYTHON=python:3.11-slim\nFROM ${PYTHON} AS build\nRUN true\n"
        "FROM ${PYTHON} AS base\nFROM base AS service\nFROM debian:trixie-slim\n"
    )
    assert base_images(dockerfile) == {"python:3.11-slim", "debian:trixie-slim"}


def test_one_shots_are_not_waited_for() -> None:
    services = {
        "migrate": {},
        "postgres": {},
        "gateway": {
            "depends_on": {
                "migrate": {"condition": "service_completed_successfully"},
                "postgres": {"condition": "service_healthy"},
            }
        },
        "grafana": {},
    }
    assert lasting(services, leave_out={"grafana"}) == ["postgres", "gateway"]

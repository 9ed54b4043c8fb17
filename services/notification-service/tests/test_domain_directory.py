"""Destinations get names that operators know; fallback chains end."""

from hypothesis import given
from hypothesis import strategies as st

from notification_service.domain.directory import Address, Channel, Directory, name_destinations
from notification_service.domain.fallback import next_receiver
from notification_service.testing import directory, endpoint

SLACK, EMAIL = Channel.SLACK, Channel.EMAIL


def test_the_only_destination_of_a_channel_has_the_channels_plain_name() -> None:
    names = name_destinations([Address("ops", "slack[0]", SLACK, "https://a")])
    assert names == {("ops", "slack[0]"): "slack"}


def test_integrations_with_one_address_share_a_destination() -> None:
    names = name_destinations(
        [Address("a", "slack[0]", SLACK, "https://x"), Address("b", "slack[0]", SLACK, "https://x")]
    )
    assert set(names.values()) == {"slack"}


def test_several_destinations_are_told_apart_by_receiver_and_position() -> None:
    names = name_destinations(
        [
            Address("a", "slack[0]", SLACK, "https://x"),
            Address("a", "slack[1]", SLACK, "https://y"),
            Address("b", "slack[0]", SLACK, "https://z"),
            Address("b", "email[0]", EMAIL, "mail"),
        ]
    )
    assert list(names.values()) == ["slack:a[0]", "slack:a[1]", "slack:b", "email"]


def test_an_endpoint_is_found_by_receiver_and_integration() -> None:
    known = endpoint("ops")
    book = directory(known)
    assert book.endpoint("ops", "slack[0]") is known
    assert book.endpoint("ops", "slack[1]") is None
    assert book.endpoint("nobody", "slack[0]") is None
    assert book.endpoints() == [known]
    assert known.name == "ops/slack[0]"


def test_the_fallbacks_of_the_ordered_receiver_come_before_those_of_its_stand_in() -> None:
    book = directory(*map(endpoint, "abcd"), a=("b", "c"), b=("d",))
    assert next_receiver(book, ["a"]) == "b"
    assert next_receiver(book, ["a", "b"]) == "c"
    assert next_receiver(book, ["a", "b", "c"]) == "d"
    assert next_receiver(book, ["a", "b", "c", "d"]) is None


def test_a_receiver_without_integrations_cannot_take_over() -> None:
    book = Directory({"a": (endpoint("a"),), "empty": ()}, {"a": ("empty", "unknown")})
    assert next_receiver(book, ["a"]) is None


names = st.sampled_from("abcdef")


@given(chains=st.dictionaries(names, st.lists(names, max_size=6).map(tuple)), first=names)
def test_every_chain_ends_and_asks_nobody_twice(
    chains: dict[str, tuple[str, ...]], first: str
) -> None:
    book = directory(*map(endpoint, "abcdef"), **chains)
    visited = [first]
    while (following := next_receiver(book, visited)) is not None:
        assert following not in visited
        visited.append(following)
    assert len(visited) <= 6

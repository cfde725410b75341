"""The worker's account of its claiming calls."""

from onceflow.worker.registration.grants import Grants


def test_each_call_has_a_random_token_of_its_own_and_the_next_number() -> None:
    both = [Grants(), Grants()]
    calls = [grants.open() for grants in both for _ in range(100)]
    assert len({call.token for call in calls}) == 200
    # Version 4 is the random kind. What is counted comes again after a crash; this does not.
    assert {call.token.version for call in calls} == {4}
    assert [call.number for call in calls] == [*range(1, 101), *range(1, 101)]


def test_a_renewal_lists_what_is_in_flight_and_what_is_held() -> None:
    grants = Grants()
    first, second = grants.open(), grants.open()
    tokens, number = grants.snapshot()
    assert (set(tokens), number) == ({first.token, second.token}, 3)
    grants.close(first.token, 2)
    grants.close(second.token, 0)
    assert grants.snapshot() == ([first.token], 3)
    grants.release(first.token)
    assert grants.snapshot() == ([first.token], 3)
    grants.release(first.token)
    assert grants.snapshot() == ([], 3)

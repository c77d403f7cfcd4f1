import time
from threading import Thread

import pytest
from pydantic import SecretStr

from snnlab.errors import OwnedElsewhere
from snnlab.serving.model import key_of
from snnlab.serving.ownership import Ownership
from snnlab.serving.replica import Replica

KEY = key_of("web")
HERE = Replica("here", "http://127.0.0.1:1", "127.0.0.1:2")


def test_one_owns_and_the_others_are_told_where(store):
    here, there = Ownership(store, HERE, 10.0), Ownership(store, Replica("there"), 10.0)
    assert not here.holds(KEY)
    assert here.take(KEY).epoch == 1
    assert here.holds(KEY)
    with pytest.raises(OwnedElsewhere, match="replica here") as told:
        there.take(KEY)
    assert there.replica.peer(told.value.owner) == HERE
    assert told.value.model == "web"
    assert there.owner(KEY) == HERE
    assert here.owner(KEY) is None
    here.release(KEY)
    assert not here.holds(KEY)
    with pytest.raises(OwnedElsewhere):
        there.take(KEY)  # it believes for a second what it was told
    there.forget(KEY)
    assert there.take(KEY).epoch == 2


def test_what_is_not_renewed_is_lost_before_another_can_have_it(store):
    here, there = Ownership(store, HERE, 0.4), Ownership(store, Replica("there"), 0.4)
    here.take(KEY)
    for _ in range(4):
        time.sleep(0.15)
        here.renew()
    assert here.holds(KEY)
    until = time.monotonic() + 5
    while here.holds(KEY):
        assert time.monotonic() < until
    with pytest.raises(OwnedElsewhere):
        there.take(KEY)
    there.forget(KEY)
    time.sleep(0.1)
    assert there.take(KEY).epoch == 2
    here.renew()
    assert here.lease(KEY) is None
    assert not here.holds(KEY)
    with pytest.raises(OwnedElsewhere, match="replica there"):
        here.take(KEY)


def test_a_key_that_is_given_back_is_not_renewed_by_who_was_about_to(store):
    here = Ownership(store, HERE, 10.0)
    lease = here.take(KEY)

    class Slow:
        """Gives the key back in the middle of a renewal."""

        def renew(self, renewed, *, hold_s):
            thread = Thread(target=here.release, args=(KEY,))
            thread.start()
            thread.join(0.2)
            self.thread = thread
            return store.renew(renewed, hold_s=hold_s)

        def release(self, given):
            return store.release(given)

    here._store = slow = Slow()
    here.renew()
    slow.thread.join()
    assert store.leases() == []
    assert not here.holds(KEY)
    assert lease.epoch == 1


def test_a_lapsed_lease_that_nobody_took_is_held_again(store):
    here = Ownership(store, HERE, 0.2)
    lease = here.take(KEY)
    time.sleep(0.25)
    assert not here.holds(KEY)
    here.renew()
    assert here.holds(KEY)
    assert here.lease(KEY).epoch == lease.epoch


def test_an_address_is_believed_under_the_same_key_only(store):
    keyed = Replica("here", "http://127.0.0.1:1", key=SecretStr("k1"))
    there = Replica("there", "http://127.0.0.1:2", "127.0.0.1:3", SecretStr("k1"))
    assert there.peer(keyed.owner) == keyed
    for forged in (Replica("here", "http://127.0.0.1:9"), Replica("here", "http://127.0.0.1:9", key=SecretStr("k2"))):
        assert there.peer(forged.owner) == Replica("here")
    moved = keyed.owner.replace(":1 ", ":9 ")
    assert moved != keyed.owner
    assert there.peer(moved) == Replica("here")
    Ownership(store, Replica("here", "http://127.0.0.1:9"), 10.0).take(KEY)
    assert Ownership(store, there, 10.0).owner(KEY) == Replica("here")

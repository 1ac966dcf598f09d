from __future__ import annotations

from hsi.runtime.account import Account, Cause


def _sum(account: Account) -> int:
    return account.shown + sum(account.dropped.values())


def test_frames_in_hands_that_were_left_behind_were_stopped() -> None:
    account = Account()
    for _ in range(5):
        account.capture()
    account.show()
    account.drop(Cause.NEWER, 2)
    account.close(threads_left=True)
    assert account.dropped[Cause.STOPPED] == 2
    assert _sum(account) == account.captured == 5


def test_without_such_hands_nothing_is_made_up() -> None:
    account = Account()
    account.capture()
    account.close(threads_left=False)
    assert _sum(account) == 0


def test_a_thread_that_wakes_up_late_changes_nothing() -> None:
    account = Account()
    account.close(threads_left=True)
    account.capture()
    account.show()
    account.drop(Cause.CORRUPT)
    assert (account.captured, _sum(account)) == (0, 0)

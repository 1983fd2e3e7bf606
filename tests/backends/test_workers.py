"""Work that threads share: in the order of the jobs, with the first of its errors, and an end."""

import threading
import time

import pytest

from causalopt.backends.workers import shared

jobs = pytest.mark.parametrize("threads", [1, 2, 5])


def halted():
    return threading.Event()


@jobs
@pytest.mark.parametrize("count", [1, 2, 40])
def test_all_jobs_come_in_their_order(threads, count):
    wait = [0.002 * (job % 3) for job in range(count)]

    def made(job):
        time.sleep(wait[job])
        return job * job

    over = halted()
    found = list(shared(range(count), made, threads, over.set))
    assert found == [job * job for job in range(count)]
    assert over.is_set()


def test_who_asks_takes_part():
    begun, who = threading.Barrier(2, timeout=10), set()

    def made(job):
        begun.wait()
        who.add(threading.get_ident())

    # Each job waits for another that runs beside it: of two threads, the one that asks is one.
    assert list(shared(range(2), made, 2, halted().set)) == [None, None]
    assert threading.get_ident() in who
    assert len(who) == 2


@jobs
def test_of_errors_the_first_in_the_order_of_the_jobs_is_raised(threads):
    def made(job):
        time.sleep(0.02 if job == 3 else 0.0)
        if job >= 3:
            raise ValueError(job)
        return job

    found = []
    with pytest.raises(ValueError, match=r"^3$"):
        found.extend(shared(range(12), made, threads, halted().set))
    assert found == [0, 1, 2]


@jobs
def test_where_no_more_is_asked_for_nothing_more_is_begun(threads):
    over, begun = halted(), []

    def made(job):
        begun.append(job)
        over.wait(10 if job else 0)
        return job

    work = shared(range(50), made, threads, over.set)
    assert next(work) == 0
    work.close()
    assert over.is_set()
    assert len(begun) <= threads + 1


def test_an_interrupt_is_heard_at_once():
    over, begun = halted(), []

    def made(job):
        begun.append(job)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        over.wait(10)

    with pytest.raises(KeyboardInterrupt):
        list(shared(range(50), made, 2, over.set))
    assert over.is_set()
    assert len(begun) <= 3

"""What a type checker says of programs that use celeriac; read by ``test_types.py``, never run.

``# is: T`` expects the revealed type of the line's expression, ``# error: code`` an error.
"""

from __future__ import annotations

from typing import reveal_type

from celeriac import AsyncResult, Celeriac, Task, chain, chord, group, shared_task

app = Celeriac("typed")


@app.task
def add(x: int, y: int = 1) -> int:
    return x + y


@app.task(name="named", max_retries=None)
def upper(text: str, *, times: int = 1) -> str:
    return text.upper() * times


@app.task(bind=True)
def bound(self: Task, x: int) -> list[int]:
    return [x, self.request.retries]


@app.task
async def fetch(url: str) -> bytes:
    return url.encode()


@app.task(bind=True, acks_late=True)
async def fetch_bound(self: Task, url: str) -> bytes:
    return url.encode()


@shared_task
def shared(x: float) -> float:
    return x


@shared_task(bind=True)
def shared_bound(self: Task, x: float) -> str:
    return str(x)


class Sum(Task):
    name = "sum"

    def run(self, *numbers: int) -> int:
        return sum(numbers)


reveal_type(add)  # is: Task[[x: int, y: int =], int]
reveal_type(add(1, 2))  # is: int
reveal_type(add.delay(1, 2))  # is: AsyncResult[int]
reveal_type(add.delay(1).get())  # is: int
reveal_type(add.delay(1).get(timeout=1.0))  # is: int
reveal_type(add.apply_async((1, 2), countdown=3))  # is: AsyncResult[int]
reveal_type(add.apply((1, 2)))  # is: EagerResult[int]
reveal_type(upper.delay("x", times=2))  # is: AsyncResult[str]
reveal_type(bound.delay(1))  # is: AsyncResult[list[int]]
reveal_type(fetch.delay("u"))  # is: AsyncResult[bytes]
reveal_type(fetch_bound.delay("u"))  # is: AsyncResult[bytes]
reveal_type(shared.delay(1.0))  # is: AsyncResult[float]
reveal_type(shared_bound.delay(1.0))  # is: AsyncResult[str]

add.delay("x")  # error: arg-type
add.delay()  # error: call-arg
add.delay(1, 2, 3)  # error: call-arg
add.delay(1, z=2)  # error: call-arg
add("x")  # error: arg-type
upper.delay("x", times="y")  # error: arg-type
bound.delay("x")  # error: arg-type
fetch.delay(1)  # error: arg-type
shared_bound.delay("x")  # error: arg-type


async def front() -> None:
    reveal_type(await add.adelay(1, 2))  # is: AsyncResult[int]
    reveal_type(await (await add.adelay(1, 2)))  # is: int
    reveal_type(await fetch("u"))  # is: bytes
    reveal_type(await (await fetch.adelay("u")).aget(timeout=1))  # is: bytes
    await add.adelay("x")  # error: arg-type


def takes(result: AsyncResult[int | str]) -> None: ...


takes(add.delay(1))


# --- workflows: what comes of the whole is known

reveal_type(add.s(1, 2))  # is: Signature[int]
reveal_type(add.s(1, 2).delay())  # is: AsyncResult[int]
reveal_type(upper.si("x").set(queue="q").apply_async(countdown=1).get())  # is: str
reveal_type(add.s(1, 2)())  # is: int
reveal_type(~add.s(1, 2))  # is: int
reveal_type(add.s(1, 2) | upper.s())  # is: chain[str]
reveal_type((add.s(1, 2) | upper.s() | add.s(1)).delay().get())  # is: int
reveal_type(chain(add.s(1), upper.s(), fetch.s()))  # is: chain[bytes]
reveal_type(chain(add.s(1), upper.s()).apply_async().get())  # is: str
reveal_type(chain(add.s(1), upper.s())())  # is: AsyncResult[str]
reveal_type(chord([add.s(1)], upper.s()).apply_async().get())  # is: str
reveal_type(group(add.s(n) for n in range(3)))  # is: group[int]
reveal_type(group(add.s(1), add.s(2)).delay())  # is: GroupResult[int]
reveal_type(group([add.s(1), add.s(2)])().get())  # is: list[int]
reveal_type(add.s(1) | group(upper.s(), upper.s()))  # is: chain[list[str]]
reveal_type(chord([add.s(1), add.s(2)], upper.s()))  # is: chord[str]
reveal_type(chord(add.s(n) for n in range(3))(upper.s()))  # is: AsyncResult[str]
reveal_type(group(add.s(1), add.s(2)) | upper.s())  # is: chain[str]
reveal_type(add.map([1, 2]))  # is: Signature[list[int]]


async def workflow() -> None:
    reveal_type(await (add.s(1) | upper.s()).delay())  # is: str

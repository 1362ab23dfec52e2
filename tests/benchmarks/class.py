# ruff: noqa: N999 - named as the page is
"""How long a teacher's step takes to reach forty phones in a class. Run by hand, alone:

    python -m tests.benchmarks.class [--phones 40] [--classes 3]

A fresh server; every phone is a websocket on loopback that talks as Streamlit's page does: it joins by the room's link,
and polls as it is told to. All answer every question at once. Prints for each step of a lesson the median and the worst
of two times: from the teacher's click until the task stands on a phone, and until its picture and question do, too; how
many answers were counted, and after how long the teacher saw the last; then the server's memory, and once more three
minutes later, when the sessions of closed phones have gone. --classes: one after another on the same server.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.typing import Origin, Subprotocol

from tests.benchmarks.conditions import heading
from tests.benchmarks.runs import prepared
from tests.browser.conftest import free_port, serving

ASKED = 2.0
"""Seconds within which a step is to reach all."""
_REST = 180.0
"""Seconds after a class until its memory should be free."""
_PAUSE = 8.0
"""Seconds for the pages to stand before the next step."""
_FIELDS = ("text_input", "radio", "button_group")
"""Widgets that take an answer."""


@dataclass
class Phone:
    """A session as its browser sees it. told: what stands on the page, with the time at which it came."""

    socket: websockets.ClientConnection
    query: str
    page: str = ""
    told: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    stood: list[float] = dataclasses.field(default_factory=list)
    widgets: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    received: int = 0
    announced: set[str] = dataclasses.field(default_factory=set)
    polls: dict[str, "asyncio.Task[None]"] = dataclasses.field(default_factory=dict)
    field: tuple[str, str, list[str]] = ("", "", [])
    """Of the answer: kind of the widget, its id, and the choices."""

    async def ask(self, fragment: str = "", states: tuple[WidgetState, ...] = (), auto: bool = False) -> None:
        """Asks for a run: of the page, or of a fragment."""
        state = ClientState(query_string=self.query, page_script_hash=self.page, fragment_id=fragment)
        state.is_auto_rerun = auto
        state.widget_states.widgets.extend(states)
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def click(self, label: str, *beside: WidgetState) -> None:
        """Presses a button, or sends a form with the values of its other widgets."""
        name, fragment = self.widgets[label]
        await self.ask(fragment, (*beside, WidgetState(id=name, trigger_value=True)))

    def filled(self, number: int) -> WidgetState:
        """The field of the answer with an answer in it. number: of the phone."""
        kind, name, choices = self.field
        text = choices[number % len(choices)] if choices else f"0.{60 + number % 8}"
        if kind == "button_group":
            return WidgetState(id=name, string_array_value=StringArray(data=[text]))
        return WidgetState(id=name, string_value=text)

    async def listen(self) -> None:
        async for data in self.socket:
            message = ForwardMsg()
            message.ParseFromString(bytes(data))  # type: ignore[arg-type]
            self.received += len(data)
            self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        kind, now = message.WhichOneof("type"), time.perf_counter()
        if kind == "delta":
            self._note(message, now)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "navigation":
            self.page, self.announced = message.navigation.page_script_hash, set()
        elif kind == "script_finished":
            self.stood.append(now)
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                for fragment in self.polls.keys() - self.announced:
                    self.polls.pop(fragment).cancel()
        elif kind == "auto_rerun":
            told = message.auto_rerun
            self.announced.add(told.fragment_id)
            if told.fragment_id not in self.polls:
                self.polls[told.fragment_id] = asyncio.create_task(self._poll(told.fragment_id, told.interval))

    def _note(self, message: ForwardMsg, now: float) -> None:
        """Keeps the texts of a page, and the buttons and fields by their labels."""
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("markdown", "html"):
            self.told.append((now, getattr(element, kind).body))
        elif kind in ("button", "selectbox", "text_input", "radio", "button_group"):
            widget = getattr(element, kind)
            self.widgets[widget.label] = (widget.id, message.delta.fragment_id)
            if kind in _FIELDS:
                self.field = kind, widget.id, [str(getattr(each, "content", each)) for each in _choices(widget)]

    async def _poll(self, fragment: str, seconds: float) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.sleep(seconds)
                await self.ask(fragment, auto=True)

    def came(self, text: str, since: float) -> float | None:
        """Seconds from `since` until a text stood on the page."""
        return next((at - since for at, body in self.told if at >= since and text in body), None)


def _choices(widget: Any) -> Iterable[Any]:
    return getattr(widget, "options", ())


async def connected(address: str, query: str, page: str = "class") -> Phone:
    """A phone that has opened a page by its link."""
    socket = await websockets.connect(
        address.replace("http", "ws") + "/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        open_timeout=60,
        origin=Origin(address),
    )
    phone = Phone(socket, query)
    phone.listening = asyncio.create_task(phone.listen())  # type: ignore[attr-defined]
    state = ClientState(query_string=query, page_name=page)
    await socket.send(BackMsg(rerun_script=state).SerializeToString())
    return phone


async def until(holds: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.perf_counter() + seconds
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError("the class did not get there")
        await asyncio.sleep(0.02)


async def classes(address: str, count: int, times: int, memory: Callable[[], float]) -> None:
    """One class after another."""
    first = await connected(address, "")  # until all is imported
    await until(lambda: "Open a class" in first.widgets)
    await first.socket.close()
    await asyncio.sleep(2 * _PAUSE)
    print(f"server alone: {memory():.0f} MB")
    for _ in range(times):
        await rounds(address, count, memory)
        await asyncio.sleep(_REST)
        print(f"{_REST:g} s later: {memory():.0f} MB", flush=True)


async def rounds(address: str, count: int, memory: Callable[[], float]) -> None:
    """The whole class, printed as it goes."""
    teacher = await connected(address, "")
    await until(lambda: "Open a class" in teacher.widgets)
    await teacher.click("Open a class")
    found = re.compile(r"nx-code'>(\w+)<")
    await until(lambda: any(found.search(body) for _, body in teacher.told))
    code = next(match[1] for _, body in teacher.told if (match := found.search(body)))
    phones = []
    for _ in range(count):
        phones.append(await connected(address, f"room={code}"))
        await asyncio.sleep(0.3)
    await until(lambda: all(len(each.polls) and each.came("step 1 of", 0) for each in phones))
    await asyncio.sleep(_PAUSE)
    said = next(body for _, body in phones[0].told if "step 1 of" in body)
    print(f"{said.split(' &nbsp;·&nbsp; ')[1]}, with {count} phones: {memory():.0f} MB")
    last = int(re.search(r"step 1 of (\d+)", said)[1])
    print("| step | task, median | task, worst | all of it, median | all of it, worst | counted | after |")
    print("|---|---|---|---|---|---|---|")
    await answers(teacher, phones, "| 1 | | | | |")
    for step in range(2, last + 1):
        await answers(teacher, phones, f"| {step} | {await moved(teacher, phones, step)} |")
    await teacher.click("End the class")
    await asyncio.sleep(3)
    for phone in (*phones, teacher):
        await phone.socket.close()
    await asyncio.sleep(_PAUSE)
    print(f"after the class: {memory():.0f} MB; asked: a step reaches all within {ASKED:g} s")


async def moved(teacher: Phone, phones: list[Phone], step: int) -> str:
    """Moves on and waits until everything stands on all phones; the four times of a row."""
    clicked, said = time.perf_counter(), f"step {step} of"
    await teacher.click("Next")
    await until(lambda: all(each.came(said, clicked) for each in phones))
    await asyncio.sleep(_PAUSE)
    tasks = [each.came(said, clicked) or 0.0 for each in phones]
    pages = [
        min(at for at in each.stood if at > clicked + task) - clicked for each, task in zip(phones, tasks, strict=True)
    ]
    times = (statistics.median(tasks), max(tasks), statistics.median(pages), max(pages))
    return " | ".join(f"{seconds:.2f}" for seconds in times)


async def answers(teacher: Phone, phones: list[Phone], row: str) -> None:
    """Every phone answers the step's question, all at once, and the row is printed; a step without one has none."""
    for phone in phones:
        phone.widgets.pop("Send", None)
    await teacher.click("Ask the question")
    await asyncio.sleep(2)
    asked = "Send" in phones[0].widgets
    clicked = time.perf_counter()
    for number, phone in enumerate(phones if asked else []):
        await until(lambda phone=phone: "Send" in phone.widgets)  # type: ignore[misc]
        await phone.click("Send", phone.filled(number))
    said = f"{len(phones)} of {len(phones)} have answered"
    if asked:
        await until(lambda: teacher.came(said, clicked))
    counted = f"{len(phones)} of {len(phones)} | {teacher.came(said, clicked):.2f}" if asked else "no question | "
    print(f"{row} {counted} |", flush=True)


def resident(process: int) -> float:
    """MB of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phones", type=int, default=40)
    parser.add_argument("--classes", type=int, default=1)
    options = parser.parse_args()
    print(heading(f"{options.phones} phones"))
    with tempfile.TemporaryDirectory() as folder, serving(prepared(folder), free_port()) as address:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        asyncio.run(classes(address, options.phones, options.classes, lambda: resident(int(children[0]))))


if __name__ == "__main__":
    main()

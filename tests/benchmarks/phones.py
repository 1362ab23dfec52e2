"""A browser without a screen: one session of the dashboard over Streamlit's own protocol, with nothing drawn."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 900.0


@dataclass
class Phone:
    """One session: `open` a page, `press` a button, wait for a `chart`; what the page polls is polled meanwhile."""

    address: str
    page: str = ""
    query: str = ""
    charts: int = 0
    """Figures of the page since the script last began."""
    buttons: dict[str, str] = field(default_factory=dict)
    """Label -> widget id, of the page since the script last began."""
    errors: list[str] = field(default_factory=list)
    messages: int = 0
    bytes: int = 0
    polls: list[float] = field(default_factory=list)
    """Seconds from asking for a fragment until it was redrawn."""
    _socket: ClientConnection | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _timers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _hash: str = ""
    _fragment: tuple[str, float] | None = None
    _turns: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self) -> None:
        """Begins a session, or a new one after `sleep`."""
        host = self.address.replace("http://", "")
        self._socket = await connect(
            f"ws://{host}/_stcore/stream",
            origin=self.address,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            proxy=None,
            compression=None,
            open_timeout=60,
            ping_interval=None,  # no browser asks, and a busy machine would be taken for a dead one
        )
        self._tasks.append(asyncio.create_task(self._listen(self._socket)))

    async def open(self, page: str, **query: str) -> float:
        """Goes to a page and waits until it stands; the seconds that took."""
        self.page, self.query, self._hash = page, urlencode(query), ""
        return await self._rerun()

    async def press(self, label: str) -> float:
        """Presses the button whose label begins so, and waits until the page stands again; the seconds that took."""
        found = next(each for name, each in self.buttons.items() if name.startswith(label))
        return await self._rerun(button=found)

    async def chart(self) -> None:
        """Waits until the page has a figure."""
        await self._until(lambda: self.charts > 0)

    async def sleep(self) -> None:
        """Loses the connection, as a phone does that lies in a pocket."""
        for task in (*self._timers.values(), *self._tasks):
            task.cancel()
        self._timers.clear()
        self._tasks.clear()
        if self._socket:
            await self._socket.close()

    async def _rerun(self, button: str = "") -> float:
        before, started = self._turns, time.monotonic()
        await self._send(button=button)
        await self._until(lambda: self._turns > before)
        return time.monotonic() - started

    async def _send(self, button: str = "", fragment: str = "") -> None:
        back = BackMsg()
        state = back.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self.query, self.page, self._hash
        if button:
            widget = state.widget_states.widgets.add()
            widget.id, widget.trigger_value = button, True
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
            self._fragment = fragment, time.monotonic()
        assert self._socket
        await self._socket.send(back.SerializeToString())

    async def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            self._changed.clear()
            if self._tasks[-1].done():
                self._tasks[-1].result()
                raise ConnectionError("the server closed the connection")
            await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for packet in socket:
                assert isinstance(packet, bytes)
                self.messages, self.bytes = self.messages + 1, self.bytes + len(packet)
                self._take(ForwardMsg.FromString(packet))
                self._changed.set()
        finally:
            self._changed.set()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            if not message.metadata.run.fragment_ids:  # the whole page begins anew
                self.charts, self.buttons = 0, {}
                self._stop_polling()
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "navigation":
            self._hash = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
                if self._fragment:
                    self.polls.append(time.monotonic() - self._fragment[1])
                self._fragment = None
            elif message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self._turns += 1
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message)

    def _see(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "plotly_chart":
            self.charts += 1
        elif kind == "button":
            self.buttons[element.button.label] = element.button.id
        elif kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)

    def _stop_polling(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _poll(self, fragment: str, seconds: float) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._send(fragment=fragment)

        if fragment not in self._timers:
            self._timers[fragment] = asyncio.create_task(again())

"""What is left in the server's memory after visitors have gone."""

import weakref
from types import SimpleNamespace

from streamlit.runtime.memory_session_storage import MemorySessionStorage

from pages.shared import tidy


def test_a_session_whose_time_is_up_is_forgotten_though_nobody_else_leaves():
    class Session:
        id = "a"

    storage, session = MemorySessionStorage(ttl_seconds=0), Session()
    storage.save(SimpleNamespace(session=session))  # type: ignore[arg-type]
    kept = weakref.ref(session)
    del session
    assert kept() is not None
    manager = SimpleNamespace(_session_storage=storage, num_active_sessions=lambda: 3)
    assert tidy.sessions_kept(SimpleNamespace(_session_mgr=manager)) == 3
    tidy.give_back()
    assert kept() is None

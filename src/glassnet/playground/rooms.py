"""The sessions of a server: who is there, who may come in, who has to make room."""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

from glassnet.errors import GlassnetError
from glassnet.playground.limits import LIMITS, RefusedError
from glassnet.playground.opening import Weights
from glassnet.playground.session import Session
from glassnet.playground.setup import Setup, merged
from glassnet.playground.tabular import Table
from glassnet.playground.telling import Notice, refused

__all__ = ["Rooms"]

ALONE = 60.0  # seconds that a session without a page plays on; a page that is loaded again finds it going


class Rooms:
    """Sessions by name, the tables that all of them know, and the setup and weights that a new one begins with."""

    def __init__(
        self,
        tables: Mapping[str, Table],
        start: Mapping[str, Any] | Setup | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.tables, self.weights = tables, weights
        self.start = start if isinstance(start, Setup) else merged(Setup(), start or {})
        self.sessions: dict[str, Session] = {}
        self.pages: dict[str, Any] = {}
        self._lock = threading.Lock()

    def enter(self, name: str | None, setup: Mapping[str, Any] | None) -> tuple[Session, Notice | None]:
        """The session of this name if it is still there, else a new one; a setup that cannot be is told, not taken."""
        with self._lock:
            if name is not None and name in self.sessions:
                return self.sessions[name], None
            self._make_room()
            notice: Notice | None = None
            try:
                session = Session(secrets.token_urlsafe(9), self.tables, merged(self.start, setup or {}), self.weights)
            except GlassnetError as error:
                text, _ = refused(error)
                notice = Notice(
                    "warning", f"The setup of this address cannot be used, so this is the usual one: {text}"
                )
                session = Session(secrets.token_urlsafe(9), self.tables, self.start, self.weights)
            self.sessions[session.name] = session
            return session, notice

    def _make_room(self) -> None:
        if len(self.sessions) < LIMITS.sessions:
            return
        alone = [session for name, session in self.sessions.items() if name not in self.pages]
        if not alone:
            raise RefusedError(f"there are {LIMITS.sessions} open pages already; close one, and load this one again")
        self.end(min(alone, key=lambda session: session.used))

    def find(self, name: str | None) -> Session:
        """A session that a request names."""
        if name is None or name not in self.sessions:
            raise RefusedError("there is no such session here any more; load the page again", "session")
        return self.sessions[name]

    def join(self, session: Session, page: Any) -> Any:
        """The page of a session from now on; returns the one that it was before, if any."""
        before, self.pages[session.name] = self.pages.get(session.name), page
        return before

    def left(self, session: Session, page: Any) -> None:
        """A page has gone; its session waits for it, and soon stops training."""
        if self.pages.get(session.name) is not page:
            return
        del self.pages[session.name]
        session.on_change, session.on_notice = (lambda: None), (lambda notice: None)
        session.used = time.monotonic()
        timer = threading.Timer(ALONE, self._quiet, (session,))
        timer.daemon = True
        timer.start()

    def _quiet(self, session: Session) -> None:
        if session.name not in self.pages and time.monotonic() - session.used >= ALONE - 1:
            session.ask(session.halt)

    def end(self, session: Session) -> None:
        """Close a session."""
        self.sessions.pop(session.name, None)
        session.close()

    def close(self) -> None:
        """Close all of them."""
        for session in list(self.sessions.values()):
            self.end(session)

"""The event loop of async handlers, in a thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

log = logging.getLogger("onceflow.worker")

UNWIND = 1.0
"""Seconds that cancelled async handlers get to clean up when the process stops."""


class HandlerLoop:
    """Runs coroutines until it is closed, whatever one of them does to the loop."""

    def __init__(self) -> None:
        self._closing = False
        self._tasks: set[asyncio.Task[Any] | None] = set()  # asyncio itself holds them weakly
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)
        self._thread.start()

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback`` on the loop; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: the process is about to end
            if threading.current_thread() is self._thread:  # which is awake
                self._loop.call_soon(callback, *args)
            else:
                self._loop.call_soon_threadsafe(callback, *args)

    def call(self, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback`` on the loop: at once where that is the caller's thread, else soon.

        For what the loop has called itself: within a task it would run as that task.
        """
        at_once = threading.current_thread() is self._thread
        # With a factory that a handler has set, to make a task may be to run it, or may fail.
        if at_once and self._loop.get_task_factory() is None:
            callback(*args)  # a turn of the loop less
        else:
            self.call_soon(callback, *args)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Begin to run ``coroutine``, from the loop's thread; return what cancels it.

        It must let nothing escape.
        """
        task = self._loop.create_task(self._keep(coroutine))
        self._tasks.add(task)
        return lambda: self.call_soon(task.cancel)

    @property
    def has_one(self) -> bool:
        """Whether the caller's task is alone on the loop: also of those that handlers began."""
        return len(self._tasks) == 1 and len(asyncio.all_tasks(self._loop)) == 1

    async def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it, and forget its task: in there, as a callback would cost a turn of the loop."""
        try:
            await coroutine
        finally:
            self._tasks.discard(asyncio.current_task())

    def wait_for(
        self, coroutine: Coroutine[Any, Any, Any], on_start: Callable[[Callable[[], None]], None]
    ) -> Any:
        """Return what ``coroutine`` gives, or raise what it raises, once it has really ended.

        From a thread of its own. ``on_start`` is given what cancels it.
        """
        ended: Future[tuple[Any, BaseException | None]] = Future()

        async def run() -> None:
            try:
                ended.set_result((await coroutine, None))
            except BaseException as error:  # SystemExit, let through, would end the loop
                ended.set_result((None, error))

        self.call_soon(lambda: on_start(self.start(run())))
        result, error = ended.result()
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Cancel what is left on the loop, let it unwind for a moment, and end the thread; once."""
        if self._loop.is_closed():
            return
        self._closing = True
        with suppress(Exception, asyncio.CancelledError):
            asyncio.run_coroutine_threadsafe(_unwind(), self._loop).result(UNWIND)
        self.call_soon(self._loop.stop)
        self._thread.join(UNWIND)
        if not self._thread.is_alive():
            self._loop.close()

    def _run(self) -> None:
        while True:
            try:
                self._loop.run_forever()
            except BaseException as error:  # SystemExit of a task that a handler began, and left
                log.error("something on the handlers' event loop raised %s", type(error).__name__)
            if self._closing:
                return


async def _unwind() -> None:
    """Cancel all that is left on the loop, what handlers themselves began among it."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)

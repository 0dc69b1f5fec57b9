"""The press's hold on the workers of the stock engine."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from salesops.press.pool import Ending, ending
from salesops.press.processes import starting
from salesops.press.stock.worker import work
from salesops.press.task import Task


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: Task | None = None


class StockPool:
    """Workers that run one report after the other; one that dies takes its report with it and is replaced."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []

    @property
    def running(self) -> int:
        """How many reports are being made."""
        return sum(worker.task is not None for worker in self._workers)

    def start(self, task: Task) -> None:
        """Begin a report, with a worker that has nothing to do, or with a new one."""
        worker = next((worker for worker in self._workers if worker.task is None), None) or self._hire()
        worker.task = task
        worker.connection.send(task)

    def wait(self, seconds: float) -> list[Ending]:
        """Wait until a report ends, at most so long, and return what has ended."""
        busy = {worker.connection: worker for worker in self._workers if worker.task}
        return [self._ended(busy[connection]) for connection in wait(list(busy), seconds)]  # type: ignore[index]  # these are connections

    def kill(self, task: Task) -> None:
        """Kill the worker of a report; its ending comes as any other."""
        for worker in self._workers:
            if worker.task is task:
                worker.process.kill()

    def close(self) -> None:
        """End all workers, also in the middle of a report."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.kill()
            worker.process.join()
        self._workers = []

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs,))
        with starting():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _ended(self, worker: _Worker) -> Ending:
        task, worker.task = worker.task, None
        assert task is not None
        try:
            worker.connection.recv()
            return ending(task, None)
        except (EOFError, OSError):
            self._workers.remove(worker)
            worker.process.join()
            return ending(task, worker.process.exitcode)

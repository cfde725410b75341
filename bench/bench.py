"""What a scenario is given: the servers, the sizes, and a progress bar."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.progress import Progress, TaskID

from .options import Options
from .results import Result
from .servers import Servers


@dataclass(slots=True)
class Bench:
    """One run of the benchmark, as a scenario sees it."""

    servers: Servers
    options: Options
    progress: Progress
    results: list[Result]

    def bar(self, text: str, total: float) -> Callable[[float], None]:
        """Show a bar and return what moves it to a value; the one before goes."""
        for shown in self.progress.tasks[1:]:
            self.progress.remove_task(shown.id)
        task: TaskID = self.progress.add_task(text, total=total)
        return lambda value: self.progress.update(task, completed=value)

    def add(self, result: Result) -> None:
        """Keep a result, and say it at once."""
        self.results.append(result)
        figures = ", ".join(f"{name} {value:,.4g}" for name, value in result.figures.items())
        self.progress.console.print(
            f"({result.scenario}) {result.who}, {result.load}: {figures}", highlight=False
        )

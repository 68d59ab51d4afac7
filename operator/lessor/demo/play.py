"""One performance: the pretend world on its ports, the operator in it, the story told, and everything put away."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from lessor import crds, service
from lessor.demo import lessons, news, story
from lessor.demo.board import Board
from lessor.demo.director import Director
from lessor.demo.screen import Plain, Screen, Teller
from lessor.demo.world import OPERATOR_NAMESPACE, World
from lessor.model.names import Kind
from lessor.ports.clock import SystemClock
from lessor.runtime import pauses
from lessor.runtime.operator import Operator
from lessor.settings import Settings
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cluster.http import PortTaken
from lessor.simulated.cluster.server import APIServer

ENDED, WRONG, INTERRUPTED = 0, 2, 130
_TOKEN_LIFE = timedelta(days=100)  # the clients compare it with the machine's clock, which is weeks ahead


class Wrong(Exception):
    """What was asked for cannot be: the sentence says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the flags of `lessor demo` say.

    Attributes:
        seed: of the story.
        seconds: how long it takes; 0: as long as it must.
        serve: let the world go on at real speed afterwards, until somebody ends it.
        kubeconfig: where the kubeconfig is written; None: into a folder of its own.
        port: of the pretend API server on 127.0.0.1; 0: any free one.
    """

    seed: int = 1
    seconds: float = 60.0
    serve: bool = False
    kubeconfig: Path | None = None
    port: int = 0


def main(options: Options, console: Console, performance: "type[Performance] | None" = None) -> int:
    """Perform, and give the exit code."""
    try:
        with _folder() as folder, _kubeconfig(options.kubeconfig or folder / "kubeconfig") as kubeconfig:
            log = folder / "operator.log"
            _log_to(log)
            with asyncio.Runner() as runner:
                runner.run((performance or Performance)(options, console, kubeconfig, log).perform())
    except Wrong as error:
        console.print(f"lessor demo: {error}", highlight=False, markup=False, soft_wrap=True)
        return WRONG
    except KeyboardInterrupt:
        console.print("ended; nothing is left behind", highlight=False)
        return INTERRUPTED if not options.serve else ENDED
    return ENDED


class Performance:
    """The parts of one performance."""

    def __init__(self, options: Options, console: Console, kubeconfig: Path, log: Path) -> None:
        self._options = options
        self._console = console
        self._kubeconfig = kubeconfig
        self._log = log
        self._real = SystemClock()
        begin = self._real.now().replace(second=0, microsecond=0) - story.LENGTH
        self._begin = begin
        self._clock = SimClock(begin)
        self._story = story.told(options.seed, lambda after: f"{begin + after:%Y-%m-%dT%H:%M:%SZ}")
        self._cluster = APIServer(now=self._clock.now, crds=crds.documents(), seed=options.seed)
        self._cloud = Cloud(self._clock.now, seed=options.seed, token_life=_TOKEN_LIFE)
        self._board = Board(begin)
        self._news = news.News()
        self._deeds: list[lessons.Deed] = []
        self._called = 0

    async def perform(self) -> None:
        """Tell the story, and go on with the world if that is wanted.

        Raises:
            KeyboardInterrupt: somebody ended it.
        """
        pauses.jitter.set(0.0)
        stop = asyncio.Event()  # which the signals set that end a process
        async with self._stage(stop) as (operator, running):
            telling = asyncio.create_task(self._told(operator))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({telling, running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            over = telling.done()
            for task in (telling, stopping):
                task.cancel()
            await asyncio.gather(telling, stopping, return_exceptions=True)
            if running.done() and not stop.is_set():
                running.result()  # the operator broke: raises what it broke of
            if not over:
                raise KeyboardInterrupt
            telling.result()

    async def _told(self, operator: Operator) -> None:
        teller = self._teller()
        teller.say(self._greeting())
        with teller:
            await self._director(operator, teller).pass_(self._pace())
        teller.say(self._summary())
        if self._options.serve:
            await self._go_on(teller)

    # ------------------------------------------------------------ the parts

    @asynccontextmanager
    async def _stage(self, stop: asyncio.Event) -> AsyncIterator[tuple[Operator, "asyncio.Task[None]"]]:
        """Serve cluster and cloud, and run the operator between them, while the block lasts."""
        try:
            async with self._cluster.serve(port=self._options.port) as url, self._cloud.serve() as cloud_url:
                self._url = url
                self._world = World(self._clock, self._cluster, self._cloud, cloud_url)
                self._world.furnish(self._story)
                self._kubeconfig.write_text(self._cluster.kubeconfig(url))
                settings = Settings(
                    api_server=url,
                    operator_namespace=OPERATOR_NAMESPACE,
                    probe_port=0,
                    leader_elect=False,
                    allow_loopback=True,
                )
                async with service.made(settings, self._clock) as made:
                    running = asyncio.create_task(made.until(stop))
                    try:
                        yield made.operator, running
                    finally:
                        running.cancel()
                        await asyncio.wait({running})
        except PortTaken as error:
            raise Wrong(f"{error}; name another --port, or none") from None

    def _director(self, operator: Operator, teller: Teller) -> Director:
        def act(step: story.Step) -> None:
            self._tell(teller, news.Line(self._clock.now(), step.who, step.line))
            step.do(self._world)

        return Director(
            self._clock,
            self._story.steps,
            quiet=lambda: self._quiet(operator),
            soonest=lambda: iter((operator.acts_at(), self._cloud.next_transition())),
            polls=operator.wakes_at,
            act=act,
            look=lambda: self._look(teller),
        )

    def _quiet(self, operator: Operator) -> bool:
        """Tell whether everybody has done what there is to do, and knows what there is to know."""
        if not (self._cluster.quiet and self._cloud.quiet and operator.idle):
            return False
        return all(
            operator.knows(one["metadata"]["uid"], int(one["metadata"]["resourceVersion"]))
            for kind in (Kind.INSTANCE_LEASE, Kind.LEASE, Kind.LEASE_RENEWAL)
            for one in self._world.objects(kind)
        )

    # ------------------------------------------------------------ looking and telling

    def _look(self, teller: Teller) -> None:
        now = self._clock.now()
        for seen in self._world.seen():
            self._board.look(seen, now)
        events = [one for one in self._world.events() if self._news.is_new(one)]
        for line in sorted(news.of_event(event, now) for event in events):
            self._tell(teller, line)
        self._note_deeds()
        teller.show(now)

    def _note_deeds(self) -> None:
        """Enter what Lessor did to servers, each with the end of its lease as it stands now."""
        names = {server.id: name for name, server in self._world.servers.items()}
        leases = {one["metadata"]["name"]: one for one in self._world.objects(Kind.INSTANCE_LEASE)}
        calls, self._called = self._cloud.calls[self._called :], len(self._cloud.calls)
        for call in calls:
            action, _, server_id = call.line.partition(" ")
            if call.user_id in self._world.agents() and server_id in names and action in lessons.TOLD:
                end = datetime.fromisoformat(leases[names[server_id]]["status"]["expireTime"])
                self._deeds.append(lessons.Deed(call.time, names[server_id], action, end))

    def _tell(self, teller: Teller, line: news.Line) -> None:
        self._news.lines.append(line)
        teller.tell(line)

    def _teller(self) -> Teller:
        if self._console.is_terminal:
            return Screen(self._console, self._board, self._begin)
        return Plain(self._console, self._begin)

    def _pace(self) -> "_Pace":
        return _Pace(self._real, self._options.seconds)

    def _greeting(self) -> Iterator[str]:
        yield f"This is a simulation: a pretend cluster ({self._url}) and a pretend OpenStack"
        yield f"({self._world.cloud_url}), on this machine only, with the real operator between them."
        yield f"It shows {story.DAYS} days, which end now."
        yield f"Look in with kubectl:  export KUBECONFIG={self._kubeconfig}"
        if shutil.which("kubectl") is None:
            yield "(kubectl is not on this machine; the story goes on without it.)"
        yield ""

    def _summary(self) -> Iterator[str]:
        renewals = sorted(self._world.objects(Kind.LEASE_RENEWAL), key=lambda one: one["metadata"]["creationTimestamp"])
        yield ""
        yield from lessons.told(
            lessons.World(
                deeds=self._deeds,
                renewals=renewals,
                images=self._world.images_of_the_gone(),
                troubles={server.name: server.trouble for server in self._story.servers if server.trouble},
                leases=self._world.objects(Kind.LEASE),
                events=self._world.events(),
            )
        )
        yield ""

    async def _go_on(self, teller: Teller) -> None:
        """Let the world go on at real speed, until somebody ends it."""
        self._clock.run()
        teller.say(self._invitation())
        with teller:
            while True:
                self._look(teller)
                await asyncio.sleep(1.0)

    def _invitation(self) -> Iterator[str]:
        yield "The world goes on at real speed now, until Ctrl-C. Try, in another terminal:"
        yield f"  export KUBECONFIG={self._kubeconfig}"
        yield "  kubectl get ilease -A"
        yield "  kubectl describe ilease web-1 -n team-a"
        yield "  kubectl get blz -A"
        yield "  kubectl get lren -A"
        yield "  kubectl explain ilease.spec.expiry.stages"
        yield "  kubectl delete ilease thesis -n team-d     # lets go of the server: the lock comes off"
        yield f"What the operator logs: {self._log}"


@dataclass(slots=True)
class _Pace:
    """Stretches the story over so many seconds."""

    clock: SystemClock
    seconds: float
    passed: timedelta = timedelta()
    began: float | None = None

    async def __call__(self, span: timedelta) -> None:
        """Wait as long as this part of the story may take, less what it took already."""
        if self.began is None:
            self.began = self.clock.elapsed()
        self.passed += span
        due = self.began + self.seconds * (self.passed / story.LENGTH)
        await self.clock.sleep(max(0.0, due - self.clock.elapsed()))


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder of our own, and remove it with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="lessor-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kubeconfig(path: Path) -> Iterator[Path]:
    """Give the path, and remove the file afterwards. One that was there before is somebody's own."""
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise Wrong(f"{path} is there already, and may be yours: name a file that does not exist.") from None
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}. Name a file in a folder that is there.") from None
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _log_to(path: Path) -> None:
    """Send all log lines into a file: the terminal is the story's."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("lessor").setLevel(logging.INFO)

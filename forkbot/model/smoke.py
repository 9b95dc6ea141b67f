"""Smoke components as stack.yaml declares them: what is served, each case, and the control."""

from typing import Annotated, Literal

from msgspec import Meta

from forkbot.model.base import Fact
from forkbot.words import CaseName, ComponentName, TargetName

Service = Literal["http", "http-v4", "https", "tcp-echo", "udp-echo", "refused", "proxy"]
Grant = Literal["network", "names"]


class CasePolicy(Fact, frozen=True, kw_only=True):
    """One run of a component. It must end well with the stacks; here is what else it must do."""

    upstream: Annotated[
        str,
        Meta(description="what it says when it is red on pristine upstream; '': green there, too"),
    ] = ""
    hangs: Annotated[
        bool, Meta(description="on pristine upstream it says that and then does not end")
    ] = False
    grants: Annotated[tuple[Grant, ...], Meta(description="what wasmtime allows it")] = (
        "network",
        "names",
    )
    fetches: Annotated[
        bool | None,
        Meta(description="whether it prints the word that is served; unless said: if HTTP is"),
    ] = None


class ControlPolicy(Fact, frozen=True, kw_only=True):
    """How a component is built on pristine upstream: the control, the proof that it can fail."""

    rustflags: Annotated[
        tuple[str, ...], Meta(description="flags without which pristine upstream does not build")
    ] = ()
    fails: Annotated[
        str, Meta(description="what rustc says where it does not build there; '': it builds")
    ] = ""


class SmokePolicy(Fact, frozen=True, kw_only=True):
    """One component under `smoke/<name>/`: built once, and run under wasmtime for each case."""

    name: ComponentName
    serves: Annotated[
        tuple[Service, ...], Meta(description="what forkbot serves to it on loopback")
    ] = ()
    cases: Annotated[
        dict[CaseName, CasePolicy],
        Meta(min_length=1, description="by name; the name is the component's only argument"),
    ]
    upstream: ControlPolicy = ControlPolicy()
    canary: Annotated[
        str,
        Meta(description="it is red with the stacks, and says this; turning green is news"),
    ] = ""
    until: Annotated[
        Literal["clang"] | None,
        Meta(description="a canary no longer, where there is a C compiler for the target"),
    ] = None
    target: Annotated[
        TargetName | None, Meta(description="another target than the others', for a canary")
    ] = None
    timeout: Annotated[int, Meta(ge=1, le=600, description="seconds that a case may take")] = 30

    def fetches(self, case: CaseName) -> bool:
        """Return whether a case must print the word that is served."""
        said = self.cases[case].fetches
        return bool({"http", "https"} & set(self.serves)) if said is None else said

"""The forge of GitHub: fork branches over smart HTTP, artefacts as issues and pull requests."""

import datetime as dt
import functools
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import quote, urlsplit

from forkbot import process
from forkbot.errors import RefusedError, RemoteError, UsageError
from forkbot.forge import answers, people
from forkbot.forge.access import Permission, ask_permissions, expiry
from forkbot.forge.api import AnswerError, Api, LostError, Query, app_scheme, scheme_of
from forkbot.forge.auth import NEEDS, App, Auth
from forkbot.forge.base import Draft, Edition
from forkbot.forge.cron import ask_cron
from forkbot.forge.marker import is_comment, moved, parse
from forkbot.forge.patience import Budget, Patience
from forkbot.git.remote import Credential, Remote
from forkbot.model.artefact import Label, PullRequest, Told
from forkbot.model.cron import Cron

API = "https://api.github.com"
WEB = "https://github.com"


class GitHubForge:
    """Repositories of ``owner`` on GitHub, or on an Enterprise server of the same making."""

    name = "github"

    def __init__(
        self,
        auth: Auth,
        *,
        owner: str,
        ambient: process.Env,
        api: str = API,
        web: str = WEB,
        budget: Budget | None = None,
        patience: Patience | None = None,
        pace: float = 1.0,  # seconds between two writes, as GitHub asks
    ) -> None:
        for url in (api, web):
            _checked(url)
        self._auth = auth
        self._owner = owner
        self._ambient = ambient
        self._web = web.rstrip("/")
        budget, patience = budget or Budget(), patience or Patience()
        scheme = scheme_of(auth, permissions=NEEDS)
        self._api = Api(scheme, url=api, budget=budget, patience=patience, pace=pace)
        # an App asks in its own name who it is
        self._app = (
            Api(app_scheme(auth), url=api, budget=budget, patience=patience, pace=pace)
            if isinstance(auth, App)
            else None
        )
        self._labels: set[tuple[str, str]] = set()  # that are known to be there
        self._there: set[str] = set()

    def __repr__(self) -> str:
        """Return whose repositories they are, and nothing of the token."""
        return f"GitHubForge({self._owner!r})"

    # --- repositories

    def remote(self, repo: str) -> Remote:
        """Return where git reaches the repository ``repo``."""
        credential = Credential(username="x-access-token", password=self._api.token)
        url = f"{self._web}/{self._full(repo)}.git"
        return Remote(url, ambient=self._ambient, credential=credential)

    def exists(self, repo: str) -> bool:
        """Return whether the repository is there, for us; what was there is not asked for again."""
        if repo in self._there:
            return True
        try:
            self._api.get(self._at(repo), object)
        except AnswerError as e:
            if e.status == 404:
                return False
            raise
        self._there.add(repo)
        return True

    def create(self, repo: str) -> None:
        """See that the repository is there: to fork one is a person's decision."""
        if not self.exists(repo):
            raise RemoteError(
                "there is no such repository, or the token may not see it",
                where=f"{self._web}/{self._full(repo)}",
                hint="fork upstream in the browser; then forkbot doctor",
            )

    def permissions(
        self, repo: str, wanted: Collection[str] = tuple(NEEDS)
    ) -> tuple[Permission, ...]:
        """Return for each permission that is ``wanted`` whether it is there, having asked."""
        return ask_permissions(
            self._auth, self._api, self._app, at=self._at(repo), web=self._web, wanted=wanted
        )

    def expiry(self, repo: str) -> dt.datetime | None:
        """Return when the token ends, None where it does not or GitHub does not say."""
        return expiry(self._api.headers(self._at(repo)))

    def cron(self, repo: str, workflow: str) -> Cron:
        """Return how the workflow in that file fares."""
        page = f"{self._web}/{self._full(repo)}"
        return ask_cron(self._api, at=self._at(repo), page=page, workflow=workflow)

    # --- artefacts

    @functools.cached_property
    def login(self) -> str:
        """Who we are: the author of what is ours."""
        if self._app is not None:
            return f"{self._app.get('/app', answers.Slug).slug}[bot]"
        if not isinstance(self._auth, App) and self._auth.login:
            return self._auth.login
        try:
            return self._api.get("/user", answers.Person).login
        except AnswerError as e:
            if e.status != 403:
                raise
        # a token of an App's, that of Actions among them, may not ask so
        answer = self._api.graphql("query { viewer { login } }", answers.Answer)
        if answer.data is None:
            raise UsageError(
                "GitHub does not say whose token this is",
                hint="name the login that its artefacts have as their author",
            )
        return answer.data.viewer.login

    def artefacts(self, repo: str) -> tuple[Told, ...]:
        """Return all of ours, open and closed, oldest first: our marker, and us as author."""
        entries: list[answers.Issue | answers.Pull] = [*self._issues(repo)]
        entries += self._pulls(repo, {"direction": "asc"})
        found = (told for e in entries if (told := self._told(e)) is not None)
        return tuple(sorted(found, key=lambda told: told.number))

    def open_artefact(self, repo: str, draft: Draft) -> Told:
        """Open an issue or a pull request; when it is there already, that one is returned."""
        made: answers.Issue | answers.Pull
        if draft.pull_request is None:
            self.make_labels(repo, draft.labels)
            made = self._open_issue(repo, draft)
        else:
            made = self._open_pull(repo, draft, draft.pull_request)
        told = self._told(made)
        if told is None:
            raise LostError(
                "what was opened is not what was asked for: it has not our marker, or not "
                f"{self.login} as its author",
                where=made.html_url,
                hint="look at it, and close it if it is forkbot's; then forkbot doctor",
            )
        # a pull request takes its labels only afterwards
        missing = [la for la in draft.labels if la.name not in told.labels]
        if missing:
            self.label(repo, told, missing)
        return told

    def rewrite(self, repo: str, told: Told, edition: Edition) -> None:
        """Make title, text and state what ``edition`` says, as one write."""
        pull = told.pull_request is not None
        path = f"{self._at(repo)}/{'pulls' if pull else 'issues'}/{told.number}"
        now = self._api.get(path, answers.Text).body or ""
        body = {"title": edition.title, "body": moved(edition.text, onto=now)}
        if edition.open != told.open:
            body["state"] = "open" if edition.open else "closed"
            if not pull:
                body["state_reason"] = "reopened" if edition.open else "completed"
        if edition.base is not None:
            body["base"] = edition.base
        self._api.write("PATCH", path, body)

    def comment(self, repo: str, told: Told, text: str, *, turn: int) -> None:
        """Comment, unless the comment of that turn is there."""
        path = f"{self._at(repo)}/issues/{told.number}/comments"

        def look_up() -> answers.Note | None:
            notes = self._api.pages(path, answers.Note, {})
            ours = (n for n in notes if n.user is not None and n.user.login == self.login)
            return next((n for n in ours if is_comment(n.body or "", turn=turn)), None)

        if look_up() is None:
            self._api.create(path, answers.Note, {"body": text}, look_up=look_up)

    def label(self, repo: str, told: Told, labels: Sequence[Label]) -> None:
        """Add labels; those that the repository lacks are made."""
        self.make_labels(repo, labels)
        path = f"{self._at(repo)}/issues/{told.number}/labels"
        body = {"labels": [la.name for la in labels]}
        # to add what is there already changes nothing
        self._api.create(path, object, body, look_up=lambda: None)

    def unlabel(self, repo: str, told: Told, label: Label) -> None:
        """Take a label off; it may be gone already."""
        path = f"{self._at(repo)}/issues/{told.number}/labels/{quote(label.name, safe='')}"
        try:
            self._api.write("DELETE", path)
        except AnswerError as e:
            if e.status != 404:
                raise

    def who_labelled(self, repo: str, told: Told, label: Label) -> str | None:
        """Return the login of who set a label that is there; None when nobody can say."""
        return people.who_labelled(self._api, f"{self._at(repo)}/issues/{told.number}", label.name)

    def may_write(self, repo: str, login: str) -> bool:
        """Return whether somebody has write access to the repository."""
        return people.may_write(self._api, self._at(repo), login)

    # --- what it takes

    def _full(self, repo: str) -> str:
        return repo if "/" in repo else f"{self._owner}/{repo}"

    def _at(self, repo: str) -> str:
        return f"/repos/{self._full(repo)}"

    def _issues(self, repo: str) -> Iterator[answers.Issue]:
        query = {"state": "all", "creator": self.login, "sort": "created", "direction": "asc"}
        try:
            for issue in self._api.pages(f"{self._at(repo)}/issues", answers.Issue, query):
                # each pull request is an issue, too; as such it has no branches
                if issue.pull_request is None:
                    yield issue
        except AnswerError as e:
            if e.status != 410:  # forks have their issues turned off until somebody wants them
                raise

    def _pulls(self, repo: str, query: Query) -> Iterator[answers.Pull]:
        whole = {"state": "all", "sort": "created", **query}
        return self._api.pages(f"{self._at(repo)}/pulls", answers.Pull, whole)

    def _told(self, entry: answers.Issue | answers.Pull) -> Told | None:
        """Return it when it is ours: a marker in somebody else's text is no more than text."""
        text = entry.body or ""
        parts = parse(text)
        if parts is None or entry.user is None or entry.user.login != self.login:
            return None
        pull = None
        if isinstance(entry, answers.Pull):
            pull = PullRequest(head=entry.head.ref, base=entry.base.ref, draft=entry.draft)
        return Told(
            number=entry.number,
            url=entry.html_url,
            title=entry.title,
            text=text,
            mark=parts.mark,
            labels=tuple(la.name for la in entry.labels),
            open=entry.state == "open",
            merged=isinstance(entry, answers.Pull) and entry.merged_at is not None,
            pull_request=pull,
            updated=entry.updated_at,
        )

    def _same(self, entry: answers.Issue | answers.Pull, draft: Draft) -> bool:
        told, parts = self._told(entry), parse(draft.text)
        assert parts is not None, "a draft without a marker would never be found again"
        return told is not None and told.open and told.mark.identity == parts.mark.identity

    def _open_issue(self, repo: str, draft: Draft) -> answers.Issue:
        names = [la.name for la in draft.labels]
        return self._api.create(
            f"{self._at(repo)}/issues",
            answers.Issue,
            {"title": draft.title, "body": draft.text, "labels": names},
            look_up=lambda: next((i for i in self._issues(repo) if self._same(i, draft)), None),
        )

    def _open_pull(self, repo: str, draft: Draft, pull: PullRequest) -> answers.Pull:
        head = f"{self._full(repo).partition('/')[0]}:{pull.head}"

        def look_up() -> answers.Pull | None:
            there = self._pulls(repo, {"state": "open", "head": head})
            return next((p for p in there if self._same(p, draft)), None)

        body = {
            "title": draft.title, "body": draft.text, "head": pull.head, "base": pull.base,
            "draft": pull.draft,
        }  # fmt: skip
        path = f"{self._at(repo)}/pulls"
        try:
            return self._api.create(path, answers.Pull, body, look_up=look_up)
        except AnswerError as e:
            if e.status != 422:
                raise
            if "Draft pull requests are not supported" in e.said:  # not in every plan of GitHub's
                return self._api.create(
                    path, answers.Pull, {**body, "draft": False}, look_up=look_up
                )
            found = look_up()
            if found is None and "already exists" in e.said:
                raise RefusedError(
                    f"a pull request that is not forkbot's speaks for {pull.head} already",
                    where=f"{self._web}/{self._full(repo)}/pulls",
                    hint="close it, or give its branch another name; then forkbot tell",
                ) from e
            if found is None:
                raise
            return found

    def make_labels(self, repo: str, labels: Sequence[Label]) -> None:
        """See that the repository has the labels; one of the name is left as people made it."""
        for label in labels:
            if (repo, label.name) in self._labels:
                continue
            self._make_label(f"{self._at(repo)}/labels", label)
            self._labels.add((repo, label.name))

    def _make_label(self, path: str, label: Label) -> None:
        def look_up() -> answers.Name | None:
            return self._is_there(f"{path}/{quote(label.name, safe='')}")

        if look_up() is not None:
            return
        body = {"name": label.name, "color": label.colour, "description": label.about}
        try:
            self._api.create(path, answers.Name, body, look_up=look_up)
        except AnswerError as e:
            if e.status != 422 or look_up() is None:  # another run was quicker
                raise

    def _is_there(self, path: str) -> answers.Name | None:
        try:
            return self._api.get(path, answers.Name)
        except AnswerError as e:
            if e.status == 404:
                return None
            raise


def _checked(url: str) -> None:
    """Refuse a place to which a token would travel in the open."""
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise UsageError(
            "a token goes over https only",
            where=f"{parts.scheme}://{parts.hostname}",
            hint="give GitHub's address as https://…, without a user name",
        )

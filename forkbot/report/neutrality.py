"""What was found of the machine that builds: each crate's tests and API, with and without us."""

from collections.abc import Iterator

from forkbot.model.neutrality import Neutrality
from forkbot.model.record import RunRecord, StackRecord
from forkbot.report.document import Block, Listing, Paragraph, Section, Weight
from forkbot.report.phrases import clip, count, listed


def was_compared(record: RunRecord) -> bool:
    """Whether a run asked if its stacks change anything for this machine."""
    return any(stack.neutrality for stack in record.stacks)


def neutral_headline(record: RunRecord) -> str:
    """Return what was found in one line."""
    answers = [s.neutrality for s in record.stacks if s.neutrality]
    wrong = [a.stack for a in answers if not a.neutral]
    on = f"on {record.channel.value}, {answers[0].target}"
    if wrong:
        return f"{listed(wrong)} {on}: not the same with the stacks"
    tests = count(sum(a.passed for a in answers), "test")
    items = count(sum(a.api for a in answers), "item")
    return (
        f"{count(len(answers), 'stack')} {on}: {tests} and {items} of API are the same with the "
        "stacks"
    )


def found(answer: Neutrality) -> str:
    """Return an answer in one line."""
    if answer.untouched:
        return "nothing to compare: no patch, here or below"
    if answer.why:
        return clip(answer.why, 300)
    parts = [count(answer.passed, "test") + " passed"]
    parts += [f"{answer.ignored} ignored"] if answer.ignored else []
    parts += [f"{len(answer.failed)} failed on both sides"] if answer.failed else []
    parts += [f"{len(answer.unsteady)} unsteady"] if answer.unsteady else []
    parts += [f"{len(answer.changed)} changed"] if answer.changed else []
    absent = count(len(answer.absent), "file") + " of tests not there"
    parts += [absent] if answer.absent else []
    same = "the same" if not answer.api_changed else f"{len(answer.api_changed)} changed"
    return f"{', '.join(parts)}; API of {count(answer.api, 'item')}: {same}"


def neutral_sections(stack: StackRecord) -> Iterator[Section]:
    """Yield what was found of a stack on this machine."""
    answer = stack.neutrality
    if answer is None:
        return
    blocks: list[Block] = [Paragraph((f"{found(answer)}.",))]
    for title, lines in (
        ("Tests that answer otherwise with the stacks", answer.changed),
        ("API that is not the same", answer.api_changed),
        ("Failed on pristine upstream, too", answer.failed),
        ("Not the same answer each time", answer.unsteady),
        ("Files of tests that upstream's own release has not", answer.absent),
    ):
        if lines:
            blocks += [Paragraph((f"{title}:",)), Listing(text="\n".join(lines))]
    yield Section(
        title=(f"{stack.name}: on {answer.target}",),
        weight=Weight.MUST if not answer.neutral else Weight.VERIFICATION,
        blocks=tuple(blocks),
    )

"""``scorer status``."""

from __future__ import annotations

import time
from collections.abc import Sequence

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import VersionRefused
from scorer.registry import fleet, pointers, versions
from scorer.registry.fleet import Followed, Member
from scorer.registry.pointers import Pointers, Refused
from scorer.registry.signatures import Trust
from scorer.registry.trial import Trial


def command(context: typer.Context, as_json: Json = False) -> None:
    """Show pointers and scorers, and where they disagree.

    What the processes say is as old as their last contact, normally at most 3 seconds.
    """
    session = Session.of(context)
    said = pointers.read(session.redis, session.keys)
    trust = Trust.of(session.settings.scorer)
    digest, signed, problems = None, None, []
    if isinstance(said.champion, Refused):
        problems.append(f"the champion's pointer makes no sense: {said.champion.reason}")
    elif said.champion is None:
        problems.append("no champion is set: scorer champion set V")
    else:
        try:
            head = versions.head(session.redis, session.keys, said.champion)
            digest = head.digest.hex()
            signed = trust.standing(head.manifest, head.signature).text
            refusal = trust.refusal(head.manifest, head.signature)
            if refusal is not None:
                problems.append(f"champion {said.champion} is not trusted: {refusal}")
        except VersionRefused as error:
            problems.append(str(error))
    if isinstance(said.trial, Refused):
        problems.append(f"the trial makes no sense: {said.trial.reason}")
    members = fleet.members(session.redis, session.keys)
    problems += fleet.disagreements(members, said.texts["champion"], digest)
    problems += [f"{member.name}: {why}" for member in members for why in (*member.not_ready, *member.troubles)]
    facts = {
        "model": session.keys.model,
        "pointers": dict(said.texts),
        "champion_digest": digest,
        "champion_signature": signed,
        "instances": [_facts(member) for member in members],
        "problems": problems,
        "agree": not problems,
    }
    output.emit(as_json, facts, lambda: _print(session, said, digest, signed, members, problems))


def _print(
    session: Session,
    said: Pointers,
    digest: str | None,
    signed: str | None,
    members: Sequence[Member],
    problems: Sequence[str],
) -> None:
    champion = said.texts["champion"]
    output.pairs(
        {
            "model": session.keys.model,
            "champion": f"{champion} ({digest[:8]}), {signed}" if digest else champion,
            "challenger": said.texts["challenger"],
            "trial": _trial(said),
        }
    )
    output.line("")
    if members:
        columns = ("instance", "state", "champion", "trial", "source", "partitions", "lag", "contact", "refused")
        rows = [_row(member) for member in members]
        output.table(columns, rows, [_style(member, champion, digest) for member in members])
    else:
        output.line("no scorer is running", "yellow")
    if problems:
        output.line("")
    for problem in problems:
        output.line(f"! {problem}", "red")
    if members and not problems:
        output.line("")
        output.line("all running scorers agree with the pointers", "green")


def _row(member: Member) -> tuple[object, ...]:
    contact = "" if member.renewed is None else f"{member.renewed:.0f} s ago"
    return (
        member.name,
        member.state,
        _running(member.champion),
        _running(member.trial),
        member.source,
        len(member.partitions),
        member.lag,
        contact,
        "; ".join(member.refusals),
    )


def _running(follows: Followed) -> str | None:
    return None if follows.version is None else f"{follows.version} ({(follows.digest or '')[:8]})"


def _style(member: Member, champion: str | None, digest: str | None) -> str:
    standing = member.champion.standing(champion, digest)
    return "red" if standing == "refused" or member.problem else "yellow" if standing == "waiting" else ""


def _trial(said: Pointers) -> str | None:
    trial = said.trial
    if not isinstance(trial, Trial):
        return said.texts["trial"]
    share = (
        f"{trial.percent:g} %" if trial.percent is not None else f"{trial.field} in {', '.join(map(str, trial.values))}"
    )
    over = "" if trial.live(time.time()) else " (over)"
    return f"{trial.id}: {trial.version}, {share}, until {output.when(trial.until * 1e3)}{over}"


def _facts(member: Member) -> dict[str, object]:
    def pointer(follows: Followed) -> dict[str, object]:
        return {name: getattr(follows, name) for name in ("version", "digest", "pointer", "state", "reason")}

    return {
        "instance": member.name,
        "state": member.state,
        "not_ready": member.not_ready,
        "source": member.source,
        "champion": pointer(member.champion),
        "trial": pointer(member.trial),
        "partitions": member.partitions,
        "lag": member.lag,
        "refusals": member.refusals,
        "troubles": member.troubles,
        "redis_silent_seconds": member.silent,
        "contact_seconds": member.renewed,
        "problem": member.problem,
    }

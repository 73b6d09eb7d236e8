"""Fault scripts as files: whatever they say is a script or refused with the line, and what is written is read again."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.lab.faults import FAULTS, KINDS, BadScript, Script, Step
from carebag_devices.lab.script import random_script
from carebag_devices.sim.scenarios import NAMES

STEPS = st.builds(
    Step,
    at_s=st.floats(0, 1e6),
    device=st.sampled_from(KINDS),
    fault=st.sampled_from(FAULTS),
    after=st.integers(0, 99),
    amount=st.none() | st.integers(0, 300),
) | st.builds(Step, at_s=st.floats(0, 1e6), device=st.sampled_from(KINDS), do=st.text(min_size=1, max_size=9))


def on_stage(script: Script) -> Script:
    """Where devices are named, those of the steps are among them."""
    named = {step.device: None for step in script.steps} if script.devices else {}
    return replace(script, devices={**named, **script.devices})


SCRIPTS = st.builds(
    Script,
    steps=st.lists(STEPS, max_size=6).map(lambda steps: tuple(sorted(steps, key=lambda step: step.at_s))),
    seed=st.integers(0, 2**40),
    scenario=st.sampled_from(NAMES),
    devices=st.dictionaries(st.sampled_from(KINDS), st.none() | st.text(max_size=9)),
    lasts_s=st.floats(0, 1e5),
).map(on_stage)


@given(SCRIPTS)
def test_what_is_written_is_read_again(script: Script) -> None:
    assert Script.parse(script.lines()) == script


@given(st.text() | st.lists(st.text(), max_size=4).map("\n".join))
def test_any_text_is_a_script_or_refused(text: str) -> None:
    with contextlib.suppress(BadScript):
        Script.parse(text)


@given(st.integers(0, 10_000))
def test_random_scripts_are_the_same_for_the_same_seed_and_can_be_written(seed: int) -> None:
    script = random_script(seed)
    assert script == random_script(seed)
    assert Script.parse(script.lines()) == script
    assert {step.device for step in script.steps} <= set(script.devices)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "empty"),
        ("[]", "line 1: no JSON object"),
        ("{", "line 1: no JSON"),
        ('{"devices": {"toaster": null}}', "line 1"),
        ('{"devices": {"cuff": 5}}', "line 1: a model"),
        ('{"scenario": "well"}', "line 1: no scenario is called 'well'"),
        ('{"seed": "one"}', "line 1: seed and lasts_s are numbers"),
        ('{"steps": 5}', "line 1"),
        ('{}\n{"device": "toaster", "do": "toast"}', "line 2: no device is called 'toaster'"),
        ('{}\n\n{"device": "cuff", "fault": "boredom"}', "line 3: no fault is called 'boredom'"),
        ('{}\n{"device": "cuff"}', "line 2: a step is either something done or a fault"),
        ('{}\n{"device": "cuff", "do": "measure", "fault": "duplicate"}', "line 2: a step is either"),
        ('{}\n{"device": "cuff", "do": "measure", "at_s": -1}', "line 2: at_s and after are not negative"),
        ('{}\n{"device": "cuff", "do": "measure", "at_s": NaN}', "line 2: at_s, after and amount are numbers"),
        ('{}\n{"device": "cuff", "do": "measure", "at_s": true}', "line 2: at_s, after and amount are numbers"),
        ('{}\n{"device": "cuff", "do": "measure", "when": 1}', "line 2: unknown when"),
        ('{"devices": {"cuff": null}}\n{"device": "scale", "do": "measure"}', "line 2: the first line names no scale"),
    ],
)
def test_bad_scripts_are_refused_with_their_line(line: str, why: str) -> None:
    with pytest.raises(BadScript, match="^" + why):
        Script.parse(line)


def test_steps_come_in_the_order_of_their_times() -> None:
    lines = '{}\n{"at_s": 2, "device": "cuff", "do": "b"}\n{"at_s": 1, "device": "cuff", "do": "a"}'
    assert [step.do for step in Script.parse(lines).steps] == ["a", "b"]

"""The kit's larger parts, made from the smaller ones; taken out of `agent.py` for its length only."""

from typing import TYPE_CHECKING

from carebag_edge.bag_commands import BagCommands
from carebag_edge.listening import Listening
from carebag_edge.nurse_commands import NurseCommands
from carebag_signal.auscultation import HeartSoundMonitor

if TYPE_CHECKING:
    from carebag_edge.agent import Agent


def make_listening(agent: "Agent") -> Listening:
    return Listening(
        folder=agent.settings.recordings,
        journal=agent.journal,
        media=agent.media,
        seal=agent.seal,
        binder=agent.bedside.binder,
        live=agent.live_media,
        clock=agent.clock,
        monitor=HeartSoundMonitor,
        publish=agent.listening_told,
    )


def make_commands(agent: "Agent") -> NurseCommands:
    bag = BagCommands(
        bedside=agent.bedside,
        listening=agent.listening,
        intake=agent.intake,
        instruments=agent.instruments,
        check=agent.check,
        damage=agent.damage,
        loop_test=agent.loop_test,
        owner=agent,
        spawn=agent.spawn,
    )
    return NurseCommands(
        bedside=agent.bedside,
        tasks=agent.tasks,
        tray=agent.tray,
        listening=agent.listening,
        loop_test=agent.loop_test,
        intake=agent.intake,
        instruments=agent.instruments,
        bag=bag,
        questions=agent.questions,
        owner=agent,
        clock=agent.clock,
        spawn=agent.spawn,
        simulated=agent.settings.simulated,
        simulator_url=agent.settings.simulator_url if agent.settings.simulated else None,
    )

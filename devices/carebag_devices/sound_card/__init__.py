"""Stethoscopes on a sound input: any analogue one behind a line or microphone input, any USB one of the audio class.

stethoscope   the driver: plug, stream, events
card          what it asks of the sound system, and the choice of input and rate
port_audio    that sound system, by PortAudio (extra `sound`)
handover      from the sound system's thread to the event loop
numbering     sample numbers and gaps
level         loudness and clipping, in a word
loop_test     was the test signal heard?
"""

from carebag_devices.sound_card.stethoscope import SoundCard, run_sound_card

__all__ = ["SoundCard", "run_sound_card"]

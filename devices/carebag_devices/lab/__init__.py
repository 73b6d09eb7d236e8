"""The device lab: faults by script, sessions recorded and played again, and an air without packets.

faults       what can go wrong, as data: one fault, or a script of steps with its devices and seed
script       scripts at random
player       does a script's steps to simulated devices, at their times
direct_air   `Radio` and `Link` straight to the simulated devices: for virtual time, thousands of scripts
session_file, recorder, replay, replay_device
             a session of real devices as a file, and as a radio or a device again
"""

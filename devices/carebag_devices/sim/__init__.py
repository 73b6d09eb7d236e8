"""The edge of the world: instruments and a body that are not there, speaking the real instruments' bytes.

Every class takes an HCI source and sink and nothing else of the radio, so that the same code runs in the
in-process air, on `vhci` and on a USB dongle. Needs Bumble (the `demo` extra).

    body            pulse, pressure, saturation that fit together
    peripheral      what all devices share: advertising, services, sleep
    cuff, oximeter, stethoscope, crp_analyser
    bag             the four, and what a hand does with them
"""

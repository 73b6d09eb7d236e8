/** The vocabulary of kit, hub and pages, generated from `server/carebag_wire`; and the few names only the pages use. */
import type { components } from './api.gen'

type Schemas = components['schemas']
export type Access = Schemas['Access']
export type AccessView = Schemas['AccessView']
export type Compared = Schemas['Compared']
export type Judgement = Schemas['Judgement']
export type LogPage = Schemas['LogPage']
export type Minutes = Schemas['Minutes']
export type NamedPatient = Schemas['NamedPatient']
export type PatientAccesses = Schemas['PatientAccesses']
export type QualityWeek = Schemas['QualityWeek']
export type Question = Schemas['Question']
export type Sampled = Schemas['Sampled']
export type WeekPlan = Schemas['WeekPlan']
export type WhyFact = Schemas['WhyFact']
export type AskFor = Schemas['AskFor']
export type AuditCheck = Schemas['AuditCheck']
export type AuditEvent = Schemas['AuditEvent']
export type CallCode = Schemas['CallCode']
export type Cartridge = Schemas['Cartridge']
export type CameraState = Schemas['CameraState']
export type Changed = Schemas['Changed']
export type Circumstances = Schemas['Circumstances']
export type CommissionChoice = Schemas['CommissionChoice']
export type DeviceIdentity = Schemas['DeviceIdentity']
export type DeviceStatus = Schemas['DeviceStatus']
export type DoctorHears = Schemas['DoctorHears']
export type Door = Schemas['Door']
export type EarlierAccess = Schemas['EarlierAccess']
export type EmergencyReport = Schemas['EmergencyReport']
export type EarlierSound = Schemas['EarlierSound']
export type Entered = Schemas['Entered']
export type Found = Schemas['Found']
export type FromConsole = Schemas['FromConsole']
export type FromNurse = Schemas['FromNurse']
export type FromGuest = Schemas['FromGuest']
export type GiveConsent = Schemas['GiveConsent']
export type Guest = Schemas['Guest']
export type GuestInvited = Schemas['GuestInvited']
export type GuestRoom = Schemas['GuestRoom']
export type GuestSelf = Schemas['GuestSelf']
export type HeardSound = Schemas['HeardSound']
export type KitState = Schemas['KitState']
export type KitStatus = Schemas['KitStatus']
export type Ladder = Schemas['Ladder']
export type LinkQuality = Schemas['LinkQuality']
export type ListeningMark = Schemas['ListeningMark']
export type ListeningState = Schemas['ListeningState']
export type LiveVitals = Schemas['LiveVitals']
export type LoopTest = Schemas['LoopTest']
export type Note = Schemas['Note']
export type Pairing = Schemas['Pairing']
export type Participant = Schemas['Participant']
export type PasskeyView = Schemas['PasskeyView']
export type SessionView = Schemas['SessionView']
export type PathProof = Schemas['PathProof']
export type KitDamageSeen = Schemas['KitDamageSeen']
export type Patient = Schemas['Patient']
export type Person = Schemas['Person']
export type PhotoView = Schemas['PhotoView']
export type ProviderOffer = Schemas['ProviderOffer']
export type Quality = Schemas['Quality']
export type Quantity = Schemas['Quantity']
export type ReadingView = Schemas['ReadingView']
export type Relay = Schemas['Relay']
export type RelayState = Schemas['RelayState']
export type Request = Schemas['Request']
export type SessionNow = Schemas['SessionNow']
export type Signal = Schemas['Signal']
export type SoundView = Schemas['SoundView']
export type ToConsole = Schemas['ToConsole']
export type ToGuest = Schemas['ToGuest']
export type ToNurse = Schemas['ToNurse']
export type TrayItem = Schemas['TrayItem']
export type VisitHead = Schemas['VisitHead']
export type VisitSnapshot = Schemas['VisitSnapshot']

export type ReadingKind = ReadingView['reading']['kind']
export type InstrumentKind = Pairing['kind']
export type MarkKind = ListeningMark['kind']
export type RequestKind = Request['kind']
export type Point = NonNullable<Circumstances['point']>
export type DeviceKind = DeviceStatus['kind']
export type Decided = Pick<ReadingView, 'decision' | 'decided_by' | 'decided_at' | 'reason' | 'received_at'>
export type Identifier = Extract<FromNurse, { type: 'open_visit' }>['identifiers'][number]
export type Press = Extract<FromNurse, { type: 'press_simulator' }>
/** The instrument that belongs to what is asked for. */
export const INSTRUMENT_OF: Readonly<Record<RequestKind, DeviceKind>> = {
  blood_pressure: 'cuff',
  oximetry: 'oximeter',
  listen: 'stethoscope',
  crp: 'crp_analyser',
  temperature: 'thermometer',
  weight: 'scale',
  glucose: 'glucose_meter',
  photo: 'camera',
}
/** Every kind of value, in the order in which they always stand. */
export const READING_KINDS: readonly ReadingKind[] = ['blood_pressure', 'oximetry', 'temperature', 'weight', 'glucose', 'crp']
/** Version of every message; another one is refused with `wrong_version`. */
export const PROTOCOL = 2
export const POINTS: readonly Point[] = ['aortic', 'pulmonic', 'erb', 'tricuspid', 'mitral', 'lung_left', 'lung_right']

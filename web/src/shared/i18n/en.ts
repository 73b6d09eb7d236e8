import { type Messages, sv } from './sv'
export const en: Messages = { ...sv }

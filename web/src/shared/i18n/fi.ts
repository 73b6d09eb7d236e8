import { type Messages, sv } from './sv'
export const fi: Messages = { ...sv }

import { type Messages, sv } from './sv'
export const es: Messages = { ...sv }

import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import Doors from './Doors.svelte'

mount(Doors, { target: document.body })

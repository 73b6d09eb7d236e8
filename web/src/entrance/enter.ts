import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import Enter from './Enter.svelte'

mount(Enter, { target: document.body })

import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import ConsolePage from './ConsolePage.svelte'

document.documentElement.dataset['place'] = 'console'
mount(ConsolePage, { target: document.body })

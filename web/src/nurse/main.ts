import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import KitPage from './KitPage.svelte'

document.documentElement.dataset['place'] = 'kit'
mount(KitPage, { target: document.body })

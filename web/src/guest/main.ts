import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import GuestPage from './GuestPage.svelte'

document.documentElement.dataset['place'] = 'guest'
mount(GuestPage, { target: document.body })

import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import GuestPage from './GuestPage.svelte'

mount(GuestPage, { target: document.body })

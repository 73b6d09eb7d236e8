import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import AdminPage from './AdminPage.svelte'

mount(AdminPage, { target: document.body })

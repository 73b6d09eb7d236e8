import { mount } from 'svelte'
import '../shared/tokens.css'
import '../shared/theme.svelte'
import ReviewPage from './ReviewPage.svelte'

mount(ReviewPage, { target: document.body })

/** The few icons there are, drawn on a 16-unit grid; decorative, the button's label says what they mean. */
import type { JSX } from "solid-js"

const icon = (body: () => JSX.Element) => () => (
  <svg
    aria-hidden="true"
    class="shrink-0"
    width="16"
    height="16"
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.5"
    stroke-linecap="round"
    stroke-linejoin="round"
  >
    {body()}
  </svg>
)

export const SearchIcon = icon(() => (
  <>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.5 3.5" />
  </>
))
export const PauseIcon = icon(() => <path d="M5.5 3.5v9M10.5 3.5v9" />)
export const PlayIcon = icon(() => <path d="M5 3.2v9.6l7.5-4.8z" />)
export const SunIcon = icon(() => (
  <>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />
  </>
))
export const MoonIcon = icon(() => <path d="M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z" />)
export const SystemIcon = icon(() => (
  <>
    <rect x="2" y="3" width="12" height="8" rx="1.5" />
    <path d="M6 13.5h4" />
  </>
))
export const HelpIcon = icon(() => (
  <>
    <circle cx="8" cy="8" r="6.2" />
    <path d="M6.3 6.2a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.8.6-.8 1.2M8 11.3v.1" />
  </>
))
export const ChevronIcon = icon(() => <path d="m4.5 6.5 3.5 3.5 3.5-3.5" />)
export const CheckIcon = icon(() => <path d="m3.5 8.5 3 3 6-7" />)
export const CloseIcon = icon(() => <path d="m4 4 8 8M12 4l-8 8" />)
export const BackIcon = icon(() => <path d="M9.5 3.5 5 8l4.5 4.5" />)
export const ListIcon = icon(() => <path d="M2.5 4h11M2.5 8h11M2.5 12h11" />)
export const PulseIcon = icon(() => <path d="M1.5 8.5h3l2-5 3 9 2-4h3" />)
const star = "m8 1.9 1.9 3.9 4.2.6-3 3 .7 4.2L8 11.6l-3.8 2 .7-4.2-3-3 4.2-.6z"
export const StarIcon = icon(() => <path d={star} />)
export const StarFilledIcon = icon(() => <path d={star} fill="currentColor" />)
export const GridIcon = icon(() => (
  <path d="M2.5 2.5h4.2v4.2H2.5zM9.3 2.5h4.2v4.2H9.3zM2.5 9.3h4.2v4.2H2.5zM9.3 9.3h4.2v4.2H9.3z" />
))
export const PersonIcon = icon(() => (
  <>
    <circle cx="8" cy="5.4" r="2.7" />
    <path d="M2.8 13.6c.6-2.6 2.7-3.9 5.2-3.9s4.6 1.3 5.2 3.9" />
  </>
))
export const SignOutIcon = icon(() => <path d="M6.5 2.5h-3v11h3M10.5 5l3 3-3 3M13.5 8h-7" />)
export const EyeIcon = icon(() => (
  <>
    <path d="M1.6 8S3.9 3.6 8 3.6 14.4 8 14.4 8 12.1 12.4 8 12.4 1.6 8 1.6 8z" />
    <circle cx="8" cy="8" r="1.9" />
  </>
))
export const EyeOffIcon = icon(() => (
  <path d="M6.4 3.8A6 6 0 0 1 8 3.6c4.1 0 6.4 4.4 6.4 4.4a11 11 0 0 1-1.9 2.4M9.9 12.1a6 6 0 0 1-1.9.3C3.9 12.4 1.6 8 1.6 8a11 11 0 0 1 2.8-3.1M2.5 2.5l11 11" />
))
export const CopyIcon = icon(() => <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />)
export const DownloadIcon = icon(() => <path d="M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11" />)
export const KeyIcon = icon(() => (
  <>
    <circle cx="5" cy="11" r="2.8" />
    <path d="m7 9 6.2-6.2M10.6 5.4l2 2" />
  </>
))
export const PhoneIcon = icon(() => (
  <>
    <rect x="4.5" y="1.8" width="7" height="12.4" rx="1.5" />
    <path d="M7.3 11.9h1.4" />
  </>
))
export const WarnIcon = icon(() => <path d="M8 2.2 14.4 13.4H1.6zM8 6.4v3.2M8 11.4v.1" />)
export const PlusIcon = icon(() => <path d="M8 3v10M3 8h10" />)

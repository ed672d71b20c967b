export const Logo = () => (
  <svg aria-hidden="true" width="22" height="22" viewBox="0 0 22 22" class="shrink-0">
    <path d="M5 3v16M11 2v18M17 4v15" stroke="currentColor" class="text-strong" stroke-width="1.5" />
    <rect x="3" y="7" width="4" height="8" rx="1" class="fill-up" />
    <rect x="9" y="5" width="4" height="10" rx="1" class="fill-down" />
    <rect x="15" y="7" width="4" height="8" rx="1" class="fill-up" />
  </svg>
)

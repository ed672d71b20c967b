/** What is known of a company besides prices: as a list beside its chart, or as the page where no prices are told. */
import { A } from "@solidjs/router"
import { For, type JSX, Show } from "solid-js"
import type { CompanyProfile } from "../../../src/rpc/client.ts"
import { browsePath } from "../browse/address.ts"
import { symbolPath } from "./address.ts"
import { edgarUrl, formatYearEnd, formersOf, othersOf } from "./company.ts"

const link = "rounded text-accent hover:underline"

const Fact = (props: { readonly name: string; readonly children: JSX.Element }) => (
  <div class="flex items-baseline justify-between gap-4 py-[3px]">
    <dt class="shrink-0 text-soft">{props.name}</dt>
    <dd class="min-w-0 text-right break-words">{props.children}</dd>
  </div>
)

/** Other share classes and the like, as links. */
export const OtherInstruments = (props: { readonly profile: CompanyProfile }) => (
  <For each={othersOf(props.profile.company, props.profile.instrument)}>
    {(other, index) => (
      <>
        <Show when={index() > 0}>, </Show>
        <A href={symbolPath(other.symbol)} class={link} title={other.shareClass ?? props.profile.company.name}>
          {other.symbol}
        </A>
      </>
    )}
  </For>
)

export const CompanyFacts = (props: { readonly profile: CompanyProfile }) => {
  const company = () => props.profile.company
  const instrument = () => props.profile.instrument
  const formers = () => formersOf(company())
  return (
    <section aria-label="Company" data-testid="company-facts">
      <dl>
        <Show when={company().legalName}>{(name) => <Fact name="Legal name">{name()}</Fact>}</Show>
        <Show when={instrument().shareClass}>{(share) => <Fact name="Share class">{share()}</Fact>}</Show>
        <Show when={instrument().exchange}>{(exchange) => <Fact name="Exchange">{exchange()}</Fact>}</Show>
        <Show when={company().sector}>
          {(sector) => (
            <Fact name="Sector">
              <A href={browsePath({ filter: { sector: sector() } })} class={link}>
                {sector()}
              </A>
            </Fact>
          )}
        </Show>
        <Show when={company().industry}>
          {(industry) => (
            <Fact name="Industry">
              <A
                href={browsePath({ filter: { industry: industry() } })}
                class={link}
                title={company().sic === null ? undefined : `Standard Industrial Classification ${company().sic}`}
              >
                {industry()}
              </A>
            </Fact>
          )}
        </Show>
        <Show when={othersOf(company(), instrument()).length > 0}>
          <Fact name="Also traded as">
            <OtherInstruments profile={props.profile} />
          </Fact>
        </Show>
        <Show when={company().fiscalYearEnd}>
          {(monthDay) => <Fact name="Fiscal year ends">{formatYearEnd(monthDay())}</Fact>}
        </Show>
        <Show when={company().cik}>
          {(cik) => (
            <Fact name="SEC filer (CIK)">
              <a
                href={edgarUrl(cik())}
                target="_blank"
                rel="noopener"
                class={link}
                title="Its filings at the SEC, EDGAR"
              >
                {cik()} <span aria-hidden="true">↗</span>
                <span class="sr-only"> at the SEC, in a new tab</span>
              </a>
            </Fact>
          )}
        </Show>
      </dl>
      <Show when={formers().length > 0}>
        <details class="group mt-1" data-testid="formers">
          <summary class="cursor-pointer list-none rounded py-[3px] text-soft hover:text-ink">
            <span aria-hidden="true" class="inline-block w-4 group-open:rotate-90">
              ›
            </span>
            Former names and symbols ({formers().length})
          </summary>
          <ul class="mt-1 pl-4">
            <For each={formers()}>
              {(former) => (
                <li class="py-[3px]">
                  <b class="font-medium">{former.what}</b>
                  <span class="block text-[11.5px] text-soft">
                    {[former.kind, former.when, former.fate].filter((text) => text !== "").join(" · ")}
                  </span>
                </li>
              )}
            </For>
          </ul>
        </details>
      </Show>
    </section>
  )
}

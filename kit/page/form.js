"use strict";
// Sends the form of the page as JSON to the address of the page. A hidden field without a
// value gets the one that the address has under its name. The texts are attributes of the
// form: data-done after a success, data-lost where a hidden field is missing or refused. An
// answer with a url leads there.
const form = document.querySelector("form");
const button = form.querySelector("button");
const status = document.querySelector("[role=status]");
const hidden = [...form.querySelectorAll("input[type=hidden]")];

function say(text, bad) {
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

function end(text, bad) {
  form.hidden = true;
  say(text, bad);
  status.focus();
}

function fail(problem) {
  const errors = problem.errors ?? [];
  if (errors.some(error => hidden.some(field => field.name === error.field))) {
    end(form.dataset.lost, true);
  } else {
    say(errors.map(error => `The ${error.field} ${error.message}.`).join(" ") || `${problem.detail}. Please try again.`, true);
    form.querySelector("input:not([type=hidden])")?.select();
  }
}

async function succeed(answer) {
  const {url} = answer.status === 204 ? {} : await answer.json();
  if (url) {
    location.replace(url);
  } else {
    end(form.dataset.done, false);
  }
}

form.addEventListener("submit", async event => {
  event.preventDefault();
  button.disabled = true;
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (answer.ok) {
      await succeed(answer);
    } else {
      fail(await answer.json());
    }
  } catch {
    say("The server did not answer. Please try again.", true);
  }
  button.disabled = false;
});

for (const field of hidden) {
  field.value ||= new URLSearchParams(location.search).get(field.name) ?? "";
}
if (hidden.some(field => !field.value)) {
  end(form.dataset.lost, true);
}

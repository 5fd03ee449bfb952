"use strict";
const form = document.querySelector("form");
const button = form.querySelector("button");
const status = document.querySelector("[role=status]");
const token = new URLSearchParams(location.search).get("token");
const oldLink = "This link does not work. It has expired, was used already, or is not complete. Please ask for a new one.";

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
  if (errors.some(error => error.field === "token")) {
    end(oldLink, true);
  } else {
    say(errors.map(error => `The ${error.field} ${error.message}.`).join(" ") || `${problem.detail}. Please try again.`, true);
    form.elements.password?.select();
  }
}

form.addEventListener("submit", async event => {
  event.preventDefault();
  button.disabled = true;
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({...Object.fromEntries(new FormData(form)), token}),
    });
    if (answer.ok) {
      end(form.dataset.done, false);
    } else {
      fail(await answer.json());
    }
  } catch {
    say("The server did not answer. Please try again.", true);
  }
  button.disabled = false;
});

if (!token) {
  end(oldLink, true);
}

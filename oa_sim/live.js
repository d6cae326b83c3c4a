// What the levers say goes to the server once they rest, and never while an answer is being made:
// then the last setting waits, so that no older answer can follow a newer one.
(function () {
  "use strict";
  const REST = 60; // ms without a movement
  let serial = 0, timer = null, awaiting = false, again = false;
  const levers = () => document.getElementById("levers");

  function send() {
    if (awaiting) { again = true; return; }
    const told = { serial: ++serial };
    for (const one of levers().querySelectorAll("[data-lever]")) told[one.dataset.lever] = one.value;
    told.total_gbp = Math.round(Number(told.total_mgbp) * 1e6);
    if (told.total_mgbp === "") told.total_gbp = null;
    awaiting = true;
    again = false;
    Shiny.setInputValue("setting", told, { priority: "event" });
  }

  function moved(event) {
    const pair = event.target.dataset.pair && document.getElementById(event.target.dataset.pair);
    if (pair) pair.value = event.target.value;
    if (!event.target.dataset.lever && !pair) return;
    document.body.classList.add("oa-waiting");
    const out = document.getElementById("horizon-years");
    out.textContent = document.getElementById("horizon").value + " years";
    clearTimeout(timer);
    timer = setTimeout(send, REST);
  }

  function answered(told) {
    awaiting = false;
    if (again) { send(); return; } // an answer that is old already is not shown
    if (told.serial !== serial || timer === null) return;
    document.getElementById("answer").innerHTML = told.html;
    document.getElementById("said").textContent = told.said;
    document.getElementById("answer").dataset.serial = told.serial;
    document.body.classList.remove("oa-waiting");
    document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
  }

  function save() {
    const told = { name: document.getElementById("name").value, over: document.getElementById("over").checked };
    for (const one of levers().querySelectorAll("[data-lever]")) told[one.dataset.lever] = one.value;
    told.total_gbp = told.total_mgbp === "" ? null : Math.round(Number(told.total_mgbp) * 1e6);
    Shiny.setInputValue("save", told, { priority: "event" });
  }

  function back() {
    levers().reset();
    const out = document.getElementById("horizon-years");
    out.textContent = document.getElementById("horizon").value + " years";
    document.body.classList.add("oa-waiting");
    timer = setTimeout(send, 0);
  }

  document.addEventListener("DOMContentLoaded", function () {
    levers().addEventListener("input", moved);
    levers().addEventListener("submit", function (event) { event.preventDefault(); save(); });
    document.getElementById("back").addEventListener("click", back);
    Shiny.addCustomMessageHandler("answer", answered);
    Shiny.addCustomMessageHandler("saved", function (told) { document.getElementById("saved").innerHTML = told.html; });
    $(document).on("shiny:connected", function () { timer = setTimeout(send, 0); });
    $(document).on("shiny:disconnected", function () {
      document.body.classList.add("oa-waiting");
      document.getElementById("said").textContent = "";
      document.getElementById("saved").textContent = "The explorer has ended: start it again and load this page anew.";
    });
  });
})();

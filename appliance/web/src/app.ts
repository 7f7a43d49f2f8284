/** The clerk's screens: what the pages do beyond plain forms. Every word they show comes from the server. */
import "./background";
import { startClock } from "./clock";
import { focusWork } from "./dom";
import { startForms } from "./forms";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startPrint } from "./print";
import { startScan } from "./scan";
import { startUploads } from "./uploads";

document.documentElement.classList.replace("plain", "js");
startScan();
startClock();
startForms();
startUploads();
startPrint();
startKeys();
startLive();
if (!window.location.hash) focusWork(document);
